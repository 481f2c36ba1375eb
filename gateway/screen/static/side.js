// The order at the side and the last parts.

import { icon, make, put } from "./elements.js";
import { PART_SHAPES } from "./number.js";
import { componentName, language, number, soon, t, time } from "./texts.js";

const $ = (id) => document.getElementById(id);

/** `choose` is asked for when another order is wanted. */
export function renderSide(snapshot, here, choose) {
  const order = here?.order ?? null;
  const made = [make("h2", {}, t("order.title"))];
  if (order === null) made.push(make("p", { class: "none" }, t("order.none")));
  else made.push(...details(order), ...progress(order, here));
  if (here?.trials) made.push(make("p", { class: "wait" }, icon("i-open"), t("order.trials", { n: number(here.trials) })));
  if (here?.next?.first) made.push(make("p", { class: "wait" }, icon("i-people"), t("order.first-piece")));
  const due = here?.marks ? here.due.count : 0;
  if (due) made.push(make("p", { class: "wait" }, icon("i-read"), t("order.due", { n: number(due) })));
  const free = here?.phase === "idle" && !here.run.on && !!snapshot.signed_in && !snapshot.latches.length;
  if (free && here.orders.length > 1) {
    const change = make("button", { type: "button", class: "quiet" }, t("order.change"));
    change.addEventListener("click", choose);
    made.push(change);
  }
  const key = [language(), order, here?.counts, here?.trials, here?.pace, here?.groups, here?.due, here?.orders, here?.next?.first, free];
  put($("order"), made, JSON.stringify(key));
  const parts = here?.parts ?? [];
  const rows = parts.length ? parts.map((part) => row(part, order)) : [make("li", { class: "none" }, t("parts.none"))];
  put($("parts"), rows, JSON.stringify([language(), parts, order?.components]));
}

const details = (order) => [
  make("p", { class: "order-id" }, order.id),
  make(
    "dl",
    {},
    ...pair("order.product", order.product),
    ...(order.lot ? pair("order.lot", order.lot) : []),
    ...(order.contents ? pair("order.contents", number(order.contents)) : []),
  ),
];

const pair = (label, value) => [make("div", {}, make("dt", {}, t(label)), make("dd", {}, value))];

function progress(order, { counts, groups, components, pace }) {
  const good = counts.good ?? 0;
  // What is counted are marks: of each number, the pieces that are marked here.
  const here = order.components.filter((name) => !components.length || components.includes(name));
  const quantity = order.quantity * Math.max(here.length, 1);
  const bar = make("progress", { max: quantity, value: Math.min(good, quantity) });
  bar.setAttribute("aria-label", t("order.good-of", { good: number(good), quantity: number(quantity) }));
  const rest = (name, count, text) => (count ? [make("span", { class: name }, t(text, { n: number(count) }))] : []);
  return [
    bar,
    make("p", { class: "count" }, make("b", {}, number(good)), make("span", {}, ` / ${number(quantity)}`)),
    make(
      "p",
      { class: "rest" },
      make("span", {}, t("order.left", { n: number(order.left) })),
      ...rest("aside", counts.rejected, "order.aside"),
      ...rest("unknown", counts.unknown, "order.unknown"),
    ),
    ...tempo(pace),
    ...waiting(order, counts.marked ?? 0, groups),
  ];
}

/** How fast it goes, and when it would be over. */
function tempo(pace) {
  if (!pace) return [];
  const speed = make("b", {}, t("pace.per-hour", { n: number(pace.per_hour) }));
  return [make("p", { class: "pace" }, speed, pace.end ? make("span", {}, t("pace.end", { time: soon(pace.end) })) : "")];
}

/** Marked, and read later: here by a sample of their group, or elsewhere. */
function waiting(order, marked, groups) {
  const lines = [];
  const line = (shape, text) => lines.push(make("p", { class: "wait" }, icon(shape), text));
  const growing = groups.find((group) => group.order === order.id);
  const closed = groups.filter((group) => group.sample !== null).reduce((sum, group) => sum + group.members, 0);
  if (order.verify === "sample") {
    if (growing) line("i-marked", t("order.group", { members: growing.members, every: growing.every }));
    if (closed) line("i-warn", t("order.samples", { n: number(closed) }));
  } else if (order.verify === "elsewhere" && marked) line("i-marked", t("order.marked", { n: number(marked) }));
  return lines;
}

function row(part, order) {
  const typed = part.entry === "keyed" && part.state === "good";
  const many = (order?.components.length ?? 0) > 1;
  const name = many ? [make("small", {}, componentName(part.component))] : [];
  return make(
    "li",
    { class: part.state },
    icon(typed ? "i-keys" : (PART_SHAPES[part.state] ?? "i-open")),
    make("span", { class: "text", title: part.text }, part.serial, ...name),
    make("span", { class: "what" }, t(typed ? "part.typed" : `part.${part.state}`)),
    make("time", { datetime: part.at }, time(part.at)),
  );
}
