// Drawing, once a frame at most, however often the news comes; a page that nobody sees draws nothing.

const due = new Set();

function draw() {
  const now = [...due];
  due.clear();
  for (const each of now) each();
}

/** Call `each` in the next frame, once, however often it was asked for until then. */
export function soon(each) {
  if (due.size === 0) requestAnimationFrame(draw);
  due.add(each);
}
