// The buttons: the one for what comes next, the quieter ones, and those that are seldom needed. Pure.

const ACTIONS = {
  stop: { path: "stop", label: "do.stop", icon: "i-pause", free: true },
  run: { path: "run", label: "do.run", icon: "i-run" },
  begin: { path: "begin", label: "do.begin", icon: "i-mark" },
  acknowledge: { path: "acknowledge", label: "do.acknowledge", icon: "i-tray" },
  read_again: { path: "read-again", label: "do.read-again", icon: "i-again" },
  type: { dialog: "type", label: "do.type", icon: "i-keys" },
  settle: { dialog: "settle", label: "do.settle", icon: "i-people", free: true },
  "first-piece": { dialog: "first-piece", label: "do.first-piece", icon: "i-people", free: true },
  unlatch: { dialog: "unlatch", label: "do.unlatch", icon: "i-open", free: true },
  check: { path: "check", label: "do.check", icon: "i-read" },
  quantity: { dialog: "quantity", label: "do.quantity", icon: "i-part", rare: true },
  "check-typed": { dialog: "check-typed", label: "do.check-typed", icon: "i-keys", rare: true },
  trial: { dialog: "trial", label: "do.trial", icon: "i-open", rare: true },
  shift: { dialog: "shift", label: "do.shift", icon: "i-done", rare: true, free: true },
  reports: { dialog: "reports", label: "do.reports", icon: "i-part", rare: true },
  earlier: { dialog: "earlier", label: "do.earlier", icon: "i-people", rare: true, free: true },
};
const OF_PART = ["acknowledge", "read-again", "judge"];
const OF_ORDER = ["run", "begin"];
const FIRST = ["stop", "run", "begin", "acknowledge", "read_again", "settle", "first-piece", "check"];
const ORDER = Object.keys(ACTIONS);
const MORE = { id: "more", dialog: "more", label: "do.more", icon: "i-more" };
const SIGN_IN = { id: "sign-in", dialog: "sign-in", label: "do.sign-in", icon: "i-person" };
const LEGIBLE = { id: "legible", path: "judge", body: { legible: true }, label: "do.legible", icon: "i-good" };
const ILLEGIBLE = { id: "illegible", path: "judge", body: { legible: false }, label: "do.illegible", icon: "i-aside" };

/** `primary` and `secondary`, and `more`: what stands behind the secondary one of that name. */
export function actions(snapshot, station, shown) {
  if (snapshot.latches.length || !station) return { primary: [], secondary: [], more: [] };
  const all = ORDER.filter((id) => offered(station, id)).map((id) => named(station, { id, ...ACTIONS[id], label: label(station, id) }));
  if (station.run.on) return { primary: all.filter((each) => each.id === "stop"), secondary: [], more: [] };
  // Two people decide with their own badges, whoever is signed in.
  if (!snapshot.signed_in) return { primary: [SIGN_IN], ...folded(all.filter((each) => each.free)) };
  if (station.can.includes("judge")) return { primary: [named(station, LEGIBLE), named(station, illegible(station))], secondary: [], more: [] };
  const first = next(station, all) ?? FIRST.map((id) => all.find((each) => each.id === id)).find(Boolean);
  if (!first || (first.id === "check" && station.marks)) {
    const wait = shown.busy ? "do.wait" : "do.begin";
    const none = { id: "none", label: wait, icon: shown.busy ? "i-busy" : "i-mark", off: true };
    return { primary: [none], ...folded(all) };
  }
  return { primary: [first], ...folded(all.filter((each) => each !== first)) };
}

/** With the part, or the order, that is shown as the button is: what is pressed late is of no other. */
function named(station, action) {
  if (OF_PART.includes(action.path)) return { ...action, body: { ...action.body, intent: station.current?.seq } };
  if (OF_ORDER.includes(action.path)) return { ...action, body: toBegin(station) };
  return action;
}

/** What a request to begin names: the order, and the cycles that had begun, as the page showed them. */
export const toBegin = (station) => ({ order: station.order?.id ?? null, cycles: station.cycles });

/** After an unknown outcome: who has read the part once more and found nothing of it, decides. */
function next(station, all) {
  const read = station.parts.find((part) => part.seq === station.current?.seq)?.reads ?? 0;
  return station.phase === "unknown" && read > 1 ? all.find((each) => each.id === "settle") : undefined;
}

/** What is seldom needed goes behind one button, unless it is alone there. */
function folded(all) {
  const rare = all.filter((each) => each.rare);
  if (rare.length < 2) return { secondary: all, more: [] };
  return { secondary: [...all.filter((each) => !each.rare), MORE], more: rare };
}

function offered(station, id) {
  if (id === "earlier") return station.parts.some((part) => part.settle);
  if (id === "reports") return station.phase === "idle" && station.shifts.length > 0;
  if (id === "quantity") return station.can.includes("begin") && holdsMany(station) && !station.next?.again;
  return station.can.includes(id);
}

/** A fresh package of many: how many it holds can be told. */
const holdsMany = ({ order }) => order?.kind === "package" && order.contents > 1;

function label(station, id) {
  if (id === "run" && station.run.paused) return "do.go-on";
  if (id === "run" && !station.marks) return "do.run-read";
  if (id !== "begin") return ACTIONS[id].label;
  if (station.next?.again) return "do.begin-again";
  if (station.can.includes("run")) return "do.begin-one";
  return (station.order?.tray ?? 1) > 1 && !station.next?.first ? "do.begin-tray" : "do.begin";
}

/** Of a tray, the eye says which places are not legible. */
function illegible(station) {
  const due = (station.current?.places ?? []).filter((place) => place.due);
  return due.length > 1 ? { ...ILLEGIBLE, path: undefined, dialog: "illegible" } : ILLEGIBLE;
}
