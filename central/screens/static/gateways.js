// Gateways with their health.

import { now } from "./header.js";
import { soon } from "./frames.js";
import { ago, el, has, number, shape, t } from "./texts.js";
import { clockTime, day } from "./times.js";

const cards = document.getElementById("gateways");
const none = cards.querySelector(".none");
const REST_MS = 1000; // between two drawings of the cards
const shown = new Map(); // by name: what is shown of it, as text and as its card
let seen = [];

/** The stream's latch is the register's word, the others are the gateway's own. */
function latches(gateway) {
  const found = [...gateway.latches];
  if (["forked", "two-of-me"].includes(gateway.stream) && !found.includes(gateway.stream)) found.unshift(gateway.stream);
  return found;
}

function plan(gateway) {
  if (!gateway.newest_plan) return ["–", ""];
  const newest = gateway.newest_plan;
  const theirs = gateway.plan;
  const current = theirs && theirs.incarnation === newest.incarnation && theirs.version === newest.version;
  if (current) return [String(newest.version), ""];
  return [theirs ? String(theirs.version) : "–", `→ ${newest.version}`];
}

function metric(label, value, small = "") {
  return el("div", {}, el("dt", {}, label), el("dd", {}, value, small ? ` ${small}` : ""));
}

function latchBox(latch) {
  const name = latch.split(":")[0];
  return el("p", { class: "latch" }, shape("latch"),
    el("span", {}, el("b", {}, t(name, "latch")), has(name, "latch-advice") ? t(name, "latch-advice") : latch));
}

function card(gateway) {
  const held = latches(gateway);
  const boot = gateway.boot ? gateway.boot.split("-")[0] : "–";
  const [version, newer] = plan(gateway);
  const made = el("article", { class: "card", "data-gateway": gateway.name, "data-alarm": held.length > 0, "data-warn": !held.length && gateway.link !== "online" },
    el("div", { class: "card-head" },
      el("h3", {}, el("a", { href: `/?gateway=${encodeURIComponent(gateway.name)}`, title: gateway.name }, gateway.name)),
      el("span", { class: `health health-${gateway.link} end` }, shape(gateway.link), t(gateway.link, "link"))),
    el("dl", { class: "metrics" },
      metric(t("Waiting"), gateway.waiting === null ? "–" : number(gateway.waiting)),
      metric(t("Registered"), number(gateway.committed)),
      metric(t("Plan"), version, newer),
      el("div", {}, el("dt", { class: "g-unseen" }, t("Last seen")), el("dd", { class: "seen" }, "–"))),
    ...held.map(latchBox));
  const title = [
    gateway.epoch === null ? t("not enrolled yet") : t("epoch {n}", "", { n: gateway.epoch }),
    t("boot {n}", "", { n: boot }),
  ].join(" · ");
  made.querySelector("h3").append(el("small", { class: "quiet" }, ` ${title}`));
  return made;
}

/** Show them all; a card that says the same stays as it is. */
export function showGateways(gateways) {
  seen = gateways;
  soon(draw, REST_MS);
}

function draw() {
  const names = new Set(seen.map(({ name }) => name));
  for (const [name, { made }] of shown) {
    if (names.has(name)) continue;
    made.remove();
    shown.delete(name);
  }
  let last = none;
  for (const gateway of seen) {
    const said = JSON.stringify({ ...gateway, seen: null });
    const before = shown.get(gateway.name);
    const made = before?.said === said ? before.made : card(gateway);
    if (made !== before?.made) before?.made.remove();
    if (last.nextElementSibling !== made) last.after(made);
    shown.set(gateway.name, { said, made });
    last = made;
  }
  none.hidden = seen.length > 0;
  tickGateways(now());
}

export function tickGateways(time) {
  for (const gateway of seen) {
    const cell = shown.get(gateway.name)?.made.querySelector(".seen");
    if (!cell) continue;
    const when = gateway.seen ? new Date(gateway.seen) : null;
    cell.textContent = when ? ago(when, time) : "–";
    cell.title = when ? `${day(when)} ${clockTime(when)}` : "";
  }
}
