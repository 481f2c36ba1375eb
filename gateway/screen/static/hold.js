// A station that is held: what it means, who ends it and how; after an unknown outcome, the steps.

import { icon, make, put } from "./elements.js";
import { language, t, visible } from "./texts.js";

const WHO = { "two-people": "i-people", itself: "i-again" };

/** What leads out of a hold: `steps`, or the rows of its `page`; null where nothing is held. */
export function hold(snapshot, station) {
  const page = snapshot.hold ?? station?.hold ?? null;
  if (page === null) return null;
  const way = snapshot.hold ? undefined : WAYS[page.code];
  return { page, steps: way ? way(station) : null };
}

/** From the first piece of an order to the second. */
const first = () => [
  { is: "done", shape: "i-good", text: t("hold.first-made"), more: [t("hold.first-made-says")] },
  { is: "now", shape: "i-eye", text: t("hold.first-look"), more: [t("hold.first-look-says")] },
  { is: "next", shape: "i-people", text: t("hold.first-sign"), more: [t("hold.first-sign-says")] },
];

/** The way from an unknown outcome to its end. `is`: done, now or next. */
function steps(station) {
  const off = station.phase === "switch-off";
  const reads = station.current && !station.current.blind;
  const part = station.parts.find((each) => each.seq === station.current?.seq);
  const again = (part?.reads ?? 0) > 1;
  const found = part?.verdict ? t("hold.read", { code: part.read ? visible(part.read) : t("read.nothing") }) : "";
  const read = reads && !again;
  const looked = found && !off ? [found] : [];
  return [
    off
      ? { is: "now", shape: "i-switch-off", text: t("hold.key-off"), more: [t("hold.key-on")] }
      : { is: "done", shape: "i-good", text: t("hold.disarmed"), more: [t("hold.disarmed-says")] },
    reads
      ? { is: off ? "next" : read ? "now" : "done", shape: "i-read", text: t("hold.scan"), more: [t("hold.scan-says"), ...looked] }
      : { is: off ? "next" : "done", shape: "i-eye", text: t("hold.look"), more: [t("hold.look-says")] },
    { is: off || read ? "next" : "now", shape: "i-people", text: t("hold.settle"), more: [t("hold.settle-says")] },
  ];
}

/** Holds that are led step by step; the others have a page. */
const WAYS = { "unknown-outcome": steps, "switch-off": steps, "first-piece": first };

export function renderHold(place, held) {
  place.hidden = held === null;
  document.body.classList.toggle("held", held !== null);
  document.body.classList.toggle("led", !!held?.steps);
  if (held === null) put(place, [], "");
  else put(place, held.steps ? [list(held.steps)] : rows(held.page), `${language()} ${JSON.stringify(held)}`);
}

const list = (steps) =>
  make("ol", { class: "way" }, ...steps.map((step) => {
    const item = make("li", { class: step.is }, icon(step.shape), make("b", {}, step.text), ...step.more.map((each) => make("span", {}, each)));
    if (step.is === "now") item.setAttribute("aria-current", "step");
    return item;
  }));

function rows({ means, who, how }) {
  const row = (label, ...content) => make("div", {}, make("dt", {}, t(label)), make("dd", {}, ...content));
  const todo = how.map((each) => make("li", {}, t(`hold-how.${each}`)));
  return [
    make(
      "dl",
      {},
      row("hold.means", t(`hold-means.${means}`)),
      row("hold.who", icon(WHO[who] ?? "i-person"), make("b", {}, t(`hold-who.${who}`))),
      row("hold.how", make("ol", {}, ...todo)),
    ),
  ];
}
