// What is to be shown, from one station's snapshot: pure, touches no page.
//
// A view: tone (colour), shape (symbol), word (huge), part (the number that the word is about),
// say (sentences), note (its text and facts), number {label, text}, step (0 prepare, 1 mark, 2 read, 3 over; -1 none), primary and secondary
// (actions), busy.

import { t } from "./texts.js";

const RUNNING = {
  preparing: ["state.preparing", 0],
  looking: ["state.preparing", 0],
  committing: ["state.preparing", 0],
  guarding: ["state.preparing", 0],
  arming: ["state.marking", 1],
  firing: ["state.marking", 1],
  waiting: ["state.marking", 1],
  inspecting: ["state.checking", 1],
  recording: ["state.marking", 1],
  disarming: ["state.checking", 1],
  reading: ["state.reading", 2],
  verifying: ["state.reading", 2],
};

// By note: tone, shape, word, and whether they are about the part before. No step of the next one is done.
const IDLE = {
  good: ["good", "i-good", "state.good", true],
  settled: ["calm", "i-done", "state.settled", true],
  "trial-done": ["calm", "i-done", "state.trial-done", false],
};

export const PART_SHAPES = {
  open: "i-open",
  marked: "i-open",
  good: "i-good",
  rejected: "i-aside",
  unknown: "i-unknown",
  scrapped: "i-void",
  voided: "i-void",
};

/** The screen of one station. `station` is null when the journal cannot be opened at all. */
export function view(snapshot, station) {
  const shown = state(snapshot, station);
  return { ...shown, ...actions(snapshot, station, shown), number: number(station, shown) };
}

/** One station's tone and shape, for its tab. */
export const glance = (snapshot, station) => state(snapshot, station);

function state(snapshot, station) {
  const [latch] = snapshot.latches;
  if (latch) {
    const note = { code: latch.latch, facts: { detail: latch.cause } };
    return made("alarm", "i-latched", "state.latched", { note });
  }
  if (station.broken) {
    const note = { code: "", facts: { detail: station.broken } };
    return made("alarm", "i-warn", "state.broken", { say: t("say.broken"), note });
  }
  switch (station.phase) {
    case "idle":
      if (!station.busy) return idle(snapshot, station);
      return made("busy", "i-busy", "state.preparing", { say: t("phase.preparing"), step: 0, busy: true });
    case "judging":
      return made("ask", "i-eye", "state.judging", { say: t("say.judging"), step: 2 });
    case "set-aside":
      return made("bad", "i-aside", "state.set-aside", { note: station.note, step: 3 });
    case "read-blocked":
      return made("ask", "i-warn", "state.read-blocked", { note: station.note, step: 2 });
    case "unknown":
      return made("ask", "i-unknown", "state.unknown", { note: station.note, step: 2 });
    case "switch-off": {
      const silent = station.note?.code === "marker-silent";
      const word = silent ? "state.silent" : "state.switch-off";
      return made("alarm", silent ? "i-warn" : "i-switch-off", word, { note: station.note, busy: true });
    }
  }
  if (station.phase === "waiting" && station.start === "pedal") {
    return made("busy", "i-ready", "state.pedal", { say: t("say.pedal"), step: 1, busy: true });
  }
  const [word, step] = RUNNING[station.phase] ?? ["state.checking", -1];
  return made("busy", "i-busy", word, { say: t(`phase.${station.phase}`), step, busy: true });
}

function idle(snapshot, station) {
  if (!station.permitted) {
    if (station.why_not.code === "awaiting-receipt") {
      return made("busy", "i-busy", "state.waiting", { note: station.why_not });
    }
    return made("stopped", "i-stopped", "state.stopped", { note: station.why_not });
  }
  const { note } = station;
  if (note === null) {
    const pedal = station.start === "pedal" ? "say.ready-pedal" : "say.ready";
    const say = t(snapshot.signed_in ? pedal : "say.signed-out");
    return made("ready", "i-ready", "state.ready", { say });
  }
  const [tone, shape, word, ofPart] = IDLE[note.code] ?? ["ask", "i-warn", "state.not-marked", false];
  const part = ofPart ? (station.parts[0]?.serial ?? "") : "";
  return made(tone, shape, word, { note, part });
}

const made = (tone, shape, word, more) => ({
  tone, shape, word: t(word), part: "", say: "", note: null, step: -1, busy: false, ...more,
});

/** The number at work, else the next one; null where nothing can be marked at all. */
function number(station, shown) {
  if (!station || shown.shape === "i-latched") return null;
  const { phase, current, next } = station;
  if (current && phase !== "idle") {
    return { label: t("number.current"), text: current.serial, line: beside(current.text, current.serial) };
  }
  const line = next ? beside(next.lines, next.serial) : "";
  return { label: t("number.next"), text: next?.serial ?? "", line };
}

/** The whole legible line, where it says more than the number. */
const beside = (lines, serial) => (lines[0] && lines[0] !== serial ? lines[0] : "");

const ACTIONS = {
  begin: { path: "begin", label: "do.begin", icon: "i-mark" },
  acknowledge: { path: "acknowledge", label: "do.acknowledge", icon: "i-tray" },
  read_again: { path: "read-again", label: "do.read-again", icon: "i-again" },
  settle: { dialog: "settle", label: "do.settle", icon: "i-people", free: true },
  unlatch: { dialog: "unlatch", label: "do.unlatch", icon: "i-open", free: true },
  trial: { dialog: "trial", label: "do.trial", icon: "i-open" },
};
const JUDGE = [
  { id: "legible", path: "judge", body: { legible: true }, label: "do.legible", icon: "i-good" },
  { id: "illegible", path: "judge", body: { legible: false }, label: "do.illegible", icon: "i-aside" },
];
const SIGN_IN = { id: "sign-in", dialog: "sign-in", label: "do.sign-in", icon: "i-person" };

/** The one button for what comes next, and the quieter ones. */
function actions(snapshot, station, shown) {
  const all = (station?.can ?? []).filter((id) => id in ACTIONS).map((id) => ({ id, ...ACTIONS[id] }));
  if (snapshot.latches.length || !station) return { primary: [], secondary: [] };
  // Two people decide with their own badges, whoever is signed in.
  const free = all.filter((each) => each.free);
  if (!snapshot.signed_in) return { primary: [SIGN_IN], secondary: free };
  if (station.can.includes("judge")) return { primary: JUDGE, secondary: [] };
  const first = all.find((each) => ["begin", "acknowledge", "read_again", "settle"].includes(each.id));
  if (!first) {
    const wait = shown.busy ? "do.wait" : "do.begin";
    return { primary: [{ id: "none", label: wait, icon: shown.busy ? "i-busy" : "i-mark", off: true }], secondary: [] };
  }
  const main = first.id === "begin" && station.start === "pedal" ? { ...first, label: "do.begin-pedal" } : first;
  return { primary: [main], secondary: all.filter((each) => each !== first) };
}
