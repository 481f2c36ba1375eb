// Gateways with their health, and what needs a person.

import { now } from "./header.js";
import { ago, clockTime, day, el, has, number, shape, t } from "./texts.js";

const cards = document.getElementById("gateways");
const none = cards.querySelector(".none");
const attention = document.getElementById("attention");
const FIRST = 3; // shown at once; the others behind a summary
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
      el("h3", {}, el("a", { href: `/?gateway=${encodeURIComponent(gateway.name)}` }, gateway.name)),
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

export function showGateways(gateways) {
  seen = gateways.map((gateway) => [gateway, card(gateway)]);
  cards.replaceChildren(none, ...seen.map(([, made]) => made));
  none.hidden = seen.length > 0;
  tickGateways(now());
}

export function tickGateways(time) {
  for (const [gateway, made] of seen) {
    const cell = made.querySelector(".seen");
    const when = gateway.seen ? new Date(gateway.seen) : null;
    cell.textContent = when ? ago(when, time) : "–";
    cell.title = when ? `${day(when)} ${clockTime(when)}` : "";
  }
}

export function showAttention(refusals, evidence) {
  const rows = [
    ...evidence.map((each) => ({
      at: each.received, title: t(each.reason, "evidence"), who: each.gateway,
      detail: each.detail, href: `/feed/evidence/${each.id}/bytes`, save: `evidence-${each.id}.bin`,
    })),
    ...refusals.map((each) => ({
      at: each.at ?? "", title: t(each.code, "verdict"),
      who: `${each.record.gateway}/${each.record.epoch}/${each.record.seq}`, detail: each.detail,
      href: `/records/${each.record.gateway}/${each.record.epoch}/${each.record.seq}`, save: null,
    })),
  ].sort((a, b) => (a.at < b.at ? 1 : -1));
  attention.hidden = rows.length === 0;
  const open = attention.querySelector("details")?.open ?? false;
  const items = rows.map((row) => el("li", {},
    el("b", {}, row.title), " · ", el("a", { href: row.href, download: row.save }, row.who),
    el("small", { lang: "en" }, row.detail)));
  attention.querySelector("details")?.remove();
  attention.querySelector("ul").replaceChildren(...items.slice(0, FIRST));
  if (items.length > FIRST) {
    attention.append(el("details", { open },
      el("summary", {}, t("and {n} more", "", { n: number(items.length - FIRST) })),
      el("ul", {}, ...items.slice(FIRST))));
  }
}
