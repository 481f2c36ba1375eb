// Orders: progress of each, and the balance of all numbers issued, a term each.

import { soon } from "./frames.js";
import { el, number, shape, t } from "./texts.js";

/** As the desk of orders has them. */
const TONES = { released: "g-good", suspended: "g-attention", held: "g-attention", finished: "g-good" };
const cards = document.getElementById("orders");
const none = cards.querySelector(".none");
const bar = document.getElementById("balance-bar");
const terms = document.getElementById("terms");
const total = document.getElementById("balance-total");

const TERMS = ["good", "open", "unknown", "rejected", "scrapped", "voided", "lost", "unused", "unaccounted"];
const FILTERS = new Set(["good", "open", "unknown", "rejected", "scrapped", "voided"]);
const ALWAYS = new Set(["good", "open", "unknown", "rejected", "unused"]);
const REST_MS = 1000; // between two drawings of the cards
const KEPT = 50; // as many as the server lists
const known = new Map();
const shown = new Map();
const changed = new Set();

/** A term's count; an order's `unaccounted` stands beside its balance. */
const count = (order, term) => (term === "unaccounted" ? Math.abs(order.unaccounted) : order.balance[term]);

function fill(where, counts, whole) {
  const pieces = TERMS.filter((term) => counts[term] > 0);
  const present = new Map([...where.children].map((piece) => [piece.dataset.term, piece]));
  for (const [term, piece] of present) if (!pieces.includes(term)) piece.remove();
  for (const term of pieces) {
    const piece = present.get(term) ?? el("i", { "data-term": term });
    piece.style.width = `${(100 * counts[term]) / Math.max(1, whole)}%`;
    where.append(piece);
  }
}

function card() {
  const made = el("article", { class: "card" });
  made.append(el("div", { class: "bar", "aria-hidden": "true" }));
  return made;
}

function what(order) {
  return [order.model, order.calibre, order.lot && t("lot {name}", "", { name: order.lot }), order.contents && t("{n} a package", "", { n: order.contents })]
    .filter(Boolean).join(" · ");
}

function update(made, order) {
  const meter = made.querySelector(".bar");
  const { good } = order.balance;
  const counts = Object.fromEntries(TERMS.map((term) => [term, term === "unused" ? 0 : count(order, term)]));
  fill(meter, counts, Math.max(order.quantity, order.balance.issued));
  const percent = Math.floor((100 * good) / order.quantity);
  const legend = TERMS.filter((term) => count(order, term) > 0 && term !== "good");
  made.toggleAttribute("data-alarm", order.unaccounted !== 0);
  made.toggleAttribute("data-warn", order.state === "suspended" || order.state === "held"
    || (order.state === "released" && order.at.some((each) => each.obstacle)));
  made.replaceChildren(
    el("div", { class: "card-head" },
      el("h3", {}, el("a", { href: `/?order=${encodeURIComponent(order.code)}` }, order.code)),
      el("span", { class: `g-tag ${TONES[order.state] ?? ""} end` }, t(order.state, "order"))),
    el("p", { class: "order-what", title: `${order.entity} · ${what(order)}` }, `${order.entity} · ${what(order)}`),
    el("p", { class: "order-count" }, el("b", {}, number(good)), t("good of {n}", "", { n: number(order.quantity) }),
      el("span", { class: "percent" }, `${percent} %`)),
    meter,
    el("p", { class: "legend" }, ...legend.map((term) =>
      el("span", { "data-term": term }, shape(term), t(term, "term"), el("b", {}, number(count(order, term)))))),
    order.reason && order.state !== "finished"
      ? el("p", { class: "why" }, t(order.reason, "reason") + (order.said ? ` — ${order.said}` : "")) : "",
    ...(order.state === "released" ? order.at.filter((each) => each.obstacle) : []).map((each) =>
      el("p", { class: "why" }, `${each.gateway}: ${t(each.obstacle, "reason")}`)),
  );
}

/** Show an order or what changed of it; the newest stand first, and no more of them than KEPT. */
export function showOrder(order) {
  known.set(order.code, order);
  changed.add(order.code);
  if (known.size > KEPT) {
    const oldest = [...known.values()].reduce((a, b) => (a.created < b.created ? a : b));
    known.delete(oldest.code);
    changed.add(oldest.code);
  }
  soon(draw, REST_MS);
}

export function dropOrders() {
  for (const code of known.keys()) changed.add(code);
  known.clear();
  soon(draw, REST_MS);
}

function draw() {
  for (const code of changed) {
    const order = known.get(code);
    let made = shown.get(code);
    if (!order) {
      made?.remove();
      shown.delete(code);
      continue;
    }
    if (!made) {
      made = card();
      made.dataset.created = order.created;
      shown.set(code, made);
      let next = none.nextElementSibling;
      while (next && next.dataset.created > order.created) next = next.nextElementSibling;
      cards.insertBefore(made, next);
    }
    update(made, order);
  }
  changed.clear();
  none.hidden = shown.size > 0;
  drawBalance();
}

/** The sum over the orders that are shown. */
function drawBalance() {
  const orders = [...known.values()];
  const counts = Object.fromEntries(TERMS.map((term) => [term, orders.reduce((sum, order) => sum + count(order, term), 0)]));
  const issued = orders.reduce((sum, order) => sum + order.balance.issued, 0);
  total.textContent = [
    t("{n} issued", "", { n: number(issued) }),
    orders.length === KEPT && t("of the newest {n} orders", "", { n: number(KEPT) }),
  ].filter(Boolean).join(" · ");
  fill(bar, counts, issued);
  for (const button of terms.children) {
    const { term } = button.dataset;
    button.hidden = !(counts[term] > 0 || ALWAYS.has(term));
    button.querySelector("b").textContent = number(counts[term]);
  }
}

/** A press on a term shows its marks only. */
export function followTerms(marks) {
  for (const term of TERMS) {
    const button = el("button", { type: "button", class: "term", "data-term": term, disabled: !FILTERS.has(term), "aria-pressed": FILTERS.has(term) ? "false" : null });
    button.append(shape(term), t(term, "term"), el("b", {}, "0"));
    button.addEventListener("click", () => press(term, marks));
    terms.append(button);
  }
}

function press(term, marks) {
  const chosen = marks.filtering.state === term ? null : term;
  for (const button of terms.children) {
    if (FILTERS.has(button.dataset.term)) button.setAttribute("aria-pressed", String(button.dataset.term === chosen));
  }
  marks.choose({ state: chosen });
}

document.getElementById("unfilter").addEventListener("click", () => {
  for (const button of terms.querySelectorAll("[aria-pressed=true]")) button.setAttribute("aria-pressed", "false");
});
