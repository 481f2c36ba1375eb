// An item's page: when the stream tells of this item, its life is fetched and put in place.
// What its reader has opened stays so.

import "./header.js";
import { follow } from "./stream.js";

const PAUSE_MS = 5000; // between two looks where the stream tells of a few of many marks only

const uii = document.getElementById("item").dataset.uii;
let wanted = false;
let busy = false;
let later = null;

async function refresh() {
  wanted = true;
  if (busy) return;
  busy = true;
  while (wanted) {
    wanted = false;
    try {
      const response = await fetch(location.href);
      if (response.ok) replace(await response.text());
    } catch {
      // the stream says that the server is away, and asks again when it is back
    }
  }
  busy = false;
}

function replace(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("item");
  const present = document.getElementById("item");
  if (!fresh) return;
  for (const { id } of present.querySelectorAll("details[id][open]")) {
    fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  }
  present.replaceWith(document.importNode(fresh, true));
}

// The first event of a stream that resumes from nothing is `hello`: from there on all is told.
// What is told of lines, orders and alerts changes nothing here.
const ANEW = ["hello", "reset", "refusals", "evidence"];
follow(null, (name, value) => {
  if (name === "sampled") {
    later ??= setTimeout(() => {
      later = null;
      refresh();
    }, PAUSE_MS);
  } else if (ANEW.includes(name) || (name === "marks" && value.some((mark) => mark.uii === uii))) {
    refresh();
  }
});
