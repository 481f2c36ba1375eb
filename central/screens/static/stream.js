// One connection to the server's stream that comes back by itself, and says so while it is away.

import { shape, t } from "./texts.js";

const NEWS = [
  "hello", "marks", "sampled", "order", "gateways", "pace", "alerts", "refusals", "evidence", "reset",
];
const SILENCE_MS = 25000; // the server says something every 10 s
const AGAIN_MS = 1000;

const link = document.getElementById("link");
const notice = document.getElementById("notice");
let databaseAway = false;
let connected = false;

function show() {
  const state = connected && !databaseAway ? "live" : "lost";
  link.dataset.state = state;
  link.replaceChildren(shape(state === "live" ? "link" : "wait"), t(state, "stream"));
  const words = !connected
    ? t("The connection to the server is lost. Trying again; what you see stays.")
    : databaseAway
      ? t("The database does not answer for the moment. Nothing is lost; trying again.")
      : "";
  if (words) notice.querySelector("span").textContent = words;
  notice.hidden = !words;
}

/**
 * Follow the stream after `cursor` (null: from now on); `hear(name, value)` gets each event.
 * The cursor goes with every new attempt, so nothing is missed however long the server was away.
 */
export function follow(cursor, hear) {
  let source = null;
  let heard = 0;
  let timer = null;

  function open() {
    timer = null;
    heard = performance.now();
    source = new EventSource(cursor === null ? "/feed/live" : `/feed/live?after=${cursor}`);
    source.onopen = () => {
      connected = true;
      heard = performance.now();
      show();
    };
    source.onerror = again;
    source.addEventListener("ping", () => {
      heard = performance.now();
    });
    source.addEventListener("signed-out", signIn);
    source.addEventListener("database", (event) => {
      databaseAway = !JSON.parse(event.data).here;
      show();
    });
    for (const name of NEWS) {
      source.addEventListener(name, (event) => {
        heard = performance.now();
        if (event.lastEventId) cursor = event.lastEventId;
        hear(name, JSON.parse(event.data));
      });
    }
  }

  function again() {
    source.close();
    lose();
    timer ??= setTimeout(resume, AGAIN_MS);
  }

  // An EventSource does not tell a server that is away from one that asks who we are.
  async function resume() {
    await insist("/feed/session");
    if (timer !== -1) open();
  }

  const watch = setInterval(() => {
    if (timer === null && performance.now() - heard > SILENCE_MS) again();
  }, 1000);

  open();
  return () => {
    clearInterval(watch);
    clearTimeout(timer);
    timer = -1;
    source.close();
  };
}

/** The session has ended, here or elsewhere: sign in, and come back to this page. */
function signIn() {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}

/** Say that the server is away. */
export function lose() {
  connected = false;
  databaseAway = false;
  show();
}

/** JSON from the server, asked for until it answers. */
export async function insist(path) {
  for (;;) {
    try {
      const response = await fetch(path, { headers: { Accept: "application/json" } });
      if (response.ok) return await response.json();
      if (response.status === 401) signIn();
    } catch {
      // the server is away: said below, and asked again
    }
    lose();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}
