// Drawing, once a frame at most, however often the news comes; a page that nobody sees draws nothing.

const due = new Set();
const resting = new Set();
const drawnAt = new WeakMap();

function draw() {
  const now = [...due];
  due.clear();
  for (const each of now) {
    each();
    drawnAt.set(each, performance.now());
  }
}

function queue(each) {
  if (due.size === 0) requestAnimationFrame(draw);
  due.add(each);
}

/**
 * Call `each` in the next frame, once, however often it was asked for until then. With a rest in
 * milliseconds: at once, and then not again before so long.
 */
export function soon(each, rest = 0) {
  if (resting.has(each)) return;
  const left = (drawnAt.get(each) ?? -Infinity) + rest - performance.now();
  if (left <= 0) return queue(each);
  resting.add(each);
  setTimeout(() => {
    resting.delete(each);
    queue(each);
  }, left);
}
