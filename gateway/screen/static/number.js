// What is marked, or comes next: the number, how it will look, which piece, each place. Pure.

import { componentName, number as grouped, t } from "./texts.js";

export const PART_SHAPES = {
  open: "i-open",
  marked: "i-marked",
  good: "i-good",
  rejected: "i-aside",
  unknown: "i-unknown",
  scrapped: "i-void",
  voided: "i-void",
  again: "i-again",
  empty: "i-empty",
};

// Once a part may carry its mark, its symbol leaves the screen: a reader in somebody's hand must
// never find there what it has to find on the part. An eye that judges compares, and no reader reads.
const DRAWN = new Set([
  ...["idle", "preparing", "looking", "committing", "guarding", "arming", "firing", "waiting"],
  ...["inspecting", "recording", "disarming", "checking", "judging"],
]);

/** The number at work, else the next one; null where nothing can be marked at all.
 *
 * `piece`: which component comes, of how many; `places`: those of a tray in their order; `drawing`:
 * what will be engraved, or null; `read`: what was read of the part at hand, or null, and by which picture.
 */
export function number(station, shown) {
  if (!station || shown.shape === "i-latched") return null;
  if (!station.marks) {
    const waiting = station.due.count + station.due.here;
    const none = { line: "", piece: null, places: null, drawing: null, read: null };
    return { label: t("number.due"), text: grouped(waiting), ...none };
  }
  const { current, next, phase } = station;
  const work = current && phase !== "idle" ? current : next;
  const way = work === current && current ? "current" : "next";
  const places = drawn(station, work, way);
  const label = places ? t(`number.${way}-tray`, { n: places.length }) : t(`number.${way}`);
  const lines = way === "current" ? work.text : (work?.lines ?? []);
  const text = work?.serial ?? "";
  const drawing = places || !work || !DRAWN.has(phase) ? null : { content: work.places[0].content, lines };
  const read = places || drawing || way === "next" ? null : heard(station, current);
  const line = beside(places || drawing ? [] : lines, text, work);
  return { label, text, line, piece: piece(station, work), places, drawing, read };
}

/** What was last read of the part under way; `done` once something was read or looked for. */
function heard(station, current) {
  const part = station.parts.find((each) => each.seq === current.seq);
  const picture = part?.picture ? { name: part.picture, verdict: part.verdict } : null;
  return { done: !!part?.verdict, content: part?.read ?? "", grade: part?.grade ?? "", picture };
}

/** The whole legible line, where it says more than the number; how much a package holds. */
function beside(lines, serial, work) {
  const held = work?.places[0]?.quantity;
  const parts = lines[0] && lines[0] !== serial ? [lines[0]] : [];
  if (held) parts.push(t("number.holds", { n: grouped(held) }));
  return parts.join(" · ");
}

function piece(station, work) {
  const names = station.order?.components ?? [];
  if (!work || names.length < 2) return null;
  const at = names.indexOf(work.component) + 1;
  return { name: componentName(work.component), at, of: names.length };
}

function drawn(station, work, way) {
  if (!work) return null;
  const last = Math.max(station.order?.tray ?? 1, ...work.places.map((place) => place.position));
  if (last < 2) return null;
  const here = new Map(work.places.map((place) => [place.position, place]));
  return Array.from({ length: last }, (_, index) => {
    const place = here.get(index + 1);
    const known = place && way === "current" ? place.state || "open" : "open";
    const state = place ? known : "empty";
    const word = state === "open" ? t("place.waiting") : state === "empty" ? t("place.empty") : t(`part.${state}`);
    return { position: index + 1, serial: place?.serial ?? "", state, word, shape: PART_SHAPES[state] };
  });
}
