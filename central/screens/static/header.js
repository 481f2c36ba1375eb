// What every page has at its top: the clock of Tirana, and "/" that leads to the search.

import { clockTime } from "./times.js";

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

// What opens at the top closes when one looks elsewhere, and one of them is open at a time.
const menus = document.querySelectorAll("details.me, .g-nav-group");
for (const menu of menus) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  menu.addEventListener("toggle", () => {
    if (menu.open) for (const other of menus) if (other !== menu) other.open = false;
  });
}
for (const leaving of ["click", "focusin"]) {
  document.addEventListener(leaving, ({ target }) => {
    for (const menu of menus) if (menu.open && !menu.contains(target)) menu.open = false;
  });
}

// Where the navigation is wider than the screen, the desk that one is at stands within it.
document.querySelector(".g-nav-row > li:has([aria-current])")?.scrollIntoView({ block: "nearest", inline: "center" });

// After a form was sent with faults, they are what is read first.
document.getElementById("faults")?.focus();
