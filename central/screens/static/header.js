// What every page has at its top: the clock of Tirana, and "/" that leads to the search.

import { clockTime } from "./texts.js";

const clock = document.getElementById("clock");
let skew = 0;

/** Take over the server's clock: the one of this machine may be wrong. */
export function setNow(iso) {
  skew = Date.parse(iso) - Date.now();
}

export const now = () => new Date(Date.now() + skew);

function tick() {
  clock.textContent = clockTime(now());
}

tick();
setInterval(tick, 1000);

document.addEventListener("keydown", (event) => {
  const field = document.getElementById("q");
  const typing = event.target instanceof HTMLInputElement;
  if (field === null) return;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Escape" && event.target === field) {
    field.blur();
  }
});

// The account's menu closes when one looks elsewhere.
const menu = document.querySelector("details.me");
if (menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// After a form was sent with faults, they are what is read first.
document.getElementById("faults")?.focus();
