// Orders: progress of each, and the balance of all numbers issued, a term each.

import { el, number, shape, t } from "./texts.js";

/** What needs a person is told by colour too, and what is done. */
const TONES = { suspended: "g-attention", held: "g-attention", finished: "g-good" };
const cards = document.getElementById("orders");
const none = cards.querySelector(".none");
const bar = document.getElementById("balance-bar");
const terms = document.getElementById("terms");
const total = document.getElementById("balance-total");

const TERMS = ["good", "open", "unknown", "rejected", "scrapped", "voided", "lost", "unused", "unaccounted"];
const FILTERS = new Set(["good", "open", "unknown", "rejected", "scrapped", "voided"]);
const known = new Map();
const shown = new Map();

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

function card(order) {
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

/** Show an order or what changed of it; new ones stand first. Returns it. */
export function showOrder(order) {
  let made = shown.get(order.code);
  if (!made) {
    made = card(order);
    shown.set(order.code, made);
    cards.prepend(made);
    none.hidden = true;
  }
  known.set(order.code, order);
  update(made, order);
  return order;
}

export function dropOrders() {
  for (const made of shown.values()) made.remove();
  shown.clear();
  known.clear();
  none.hidden = false;
}

/** The sum over all orders; a click on a term shows its marks only. */
export function showBalance(_, marks) {
  const orders = [...known.values()];
  const counts = Object.fromEntries(TERMS.map((term) => [term, orders.reduce((sum, order) => sum + count(order, term), 0)]));
  const issued = orders.reduce((sum, order) => sum + order.balance.issued, 0);
  total.textContent = t("{n} issued", "", { n: number(issued) });
  fill(bar, counts, issued);
  const buttons = new Map([...terms.children].map((button) => [button.dataset.term, button]));
  for (const term of TERMS) {
    const wanted = counts[term] > 0 || ["good", "open", "unknown", "rejected", "unused"].includes(term);
    const button = buttons.get(term) ?? el("button", { type: "button", class: "term", "data-term": term, disabled: !FILTERS.has(term), "aria-pressed": FILTERS.has(term) ? "false" : null });
    if (!buttons.has(term)) {
      button.append(shape(term), t(term, "term"), el("b", {}));
      button.addEventListener("click", () => press(term, marks));
      terms.append(button);
    }
    button.hidden = !wanted;
    button.querySelector("b").textContent = number(counts[term]);
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
