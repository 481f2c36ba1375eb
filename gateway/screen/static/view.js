// What is to be shown, from one station's snapshot: pure, touches no page.
//
// A view: tone (colour), shape (symbol), word (huge), then (what to do next, large), part (the
// number that the word is about), say (sentences), note (its text and facts), step (0 prepare,
// 1 mark, 2 read, 3 over; -1 none), busy. `actions` adds the buttons, `number` what is marked.

import { actions } from "./actions.js";
import { hold } from "./hold.js";
import { number } from "./number.js";
import { has, serialIn, t } from "./texts.js";

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
  checking: ["state.reading", 2],
};

// How a part may end well, by note: tone, shape, word, and whether it is about the part before.
const WELL = {
  good: ["good", "i-good", "state.good", true],
  marked: ["marked", "i-marked", "state.marked", true],
  settled: ["calm", "i-done", "state.settled", true],
  "first-approved": ["calm", "i-done", "state.first-approved", false],
  "first-refused": ["wait", "i-void", "state.settled", false],
  "shift-ended": ["calm", "i-done", "state.shift-ended", false],
  "trial-done": ["calm", "i-done", "state.trial-done", false],
  "read-back": ["good", "i-good", "state.good", false],
};

// What two people gave up has ended too, and is no success.
const GIVEN_UP = ["wait", "i-void", "state.settled", true];

const well = (note) => (["scrapped", "voided"].includes(note?.facts?.how) ? GIVEN_UP : WELL[note?.code]);

// What a read outside a cycle may find instead.
const READ = {
  "nothing-seen": ["ask", "i-warn", "state.not-read"],
  "nothing-new": ["ask", "i-warn", "state.not-read"],
  "nothing-waits": ["ask", "i-warn", "state.not-awaited"],
  "under-way": ["ask", "i-warn", "state.not-awaited"],
  "keyed-settles-nothing": ["ask", "i-unknown", "state.unknown"],
};

/** The screen of one station. `station` is null when the journal cannot be opened at all. */
export function view(snapshot, station) {
  const shown = state(snapshot, station);
  const more = { number: number(station, shown), hold: hold(snapshot, station) };
  return { ...shown, ...actions(snapshot, station, shown), ...more };
}

/** One station's tone and shape, for its tab. */
export const glance = (snapshot, station) => state(snapshot, station);

function state(snapshot, station) {
  const [latch] = snapshot.latches;
  if (latch) {
    const note = { code: latch.latch, facts: { detail: latch.detail } };
    return made("alarm", "i-latched", "state.latched", { note });
  }
  if (station.broken) {
    const note = { code: "", facts: { detail: station.broken } };
    return made("alarm", "i-warn", "state.broken", { say: t("say.broken"), note });
  }
  switch (station.phase) {
    case "idle":
      if (station.run.on) return between(station);
      if (!station.busy) return station.marks ? idle(snapshot, station) : post(snapshot, station);
      return made("busy", "i-busy", "state.preparing", { say: t("phase.preparing"), step: 0, busy: true });
    case "judging":
      return made("ask", "i-eye", "state.judging", { say: t("say.judging"), step: 2 });
    case "set-aside":
      return made("bad", "i-aside", "state.set-aside", { note: station.note, step: 3 });
    case "read-blocked":
      return made("ask", "i-warn", "state.read-blocked", { note: station.note, step: 2 });
    case "unknown":
      return made("ask", "i-unknown", "state.unknown", { note: station.note, step: 2, part: station.current?.serial ?? "" });
    case "switch-off": {
      const silent = station.note?.code === "marker-silent";
      const word = silent ? "state.silent" : "state.switch-off";
      return made("alarm", silent ? "i-warn" : "i-switch-off", word, { note: station.note, busy: true });
    }
    case "looking":
    case "preparing":
    case "checking":
      if (station.run.on) return between(station);
  }
  if (station.phase === "waiting" && station.start !== "operator") {
    const part = station.run.on && station.run.told ? before(station, { line: true }) : "";
    return made("busy", `i-${station.start}`, `state.${station.start}`, {
      say: t(`say.${station.start}`), part, step: 1, busy: true,
    });
  }
  const [word, step] = RUNNING[station.phase] ?? ["state.checking", -1];
  return made("busy", "i-busy", word, { say: t(`phase.${station.phase}`), step, busy: true });
}

/** In a run, from the end of one part to the next one's shot: how the part before ended. */
function between(station) {
  const ended = station.run.told;
  if (!station.marks) {
    const [tone, shape, word] = WELL[ended?.code] ?? READ[ended?.code] ?? [];
    if (!tone) {
      return made("ready", "i-ready", "state.place", { say: t("say.place"), busy: true });
    }
    if (tone !== "good") return made(tone, shape, word, { note: ended, busy: true });
    return made(tone, shape, word, { part: serialIn(ended.facts.content), then: t("state.place-next"), busy: true });
  }
  const away = isTray(station) ? "-tray" : "";
  const found = well(ended);
  if (found) {
    const [tone, shape, word, ofPart] = found;
    const part = ofPart ? before(station) : "";
    const facts = ofPart ? heard(station, ended).facts : {};
    return made(tone, shape, word, { part, facts, then: t(`state.take-away${away}`), step: 0, busy: true });
  }
  if (station.note?.code === "take-away") {
    return made("ask", "i-away", `state.take-away${away}`, { say: t(`say.take-away${away}`), step: 0, busy: true });
  }
  return made("busy", "i-busy", "state.preparing", { say: t(`phase.${station.phase}`), step: 0, busy: true });
}

function idle(snapshot, station) {
  if (!station.permitted) {
    if (station.why_not.code === "awaiting-receipt") {
      return made("busy", "i-busy", "state.waiting", { note: station.why_not });
    }
    if (station.why_not.code === "first-piece") {
      const { number: part, ...facts } = station.why_not.facts;
      return made("ask", "i-people", "state.first-piece", { note: { ...station.why_not, facts }, part });
    }
    return made("stopped", "i-stopped", "state.stopped", { note: station.why_not });
  }
  const { note } = station;
  const again = station.next.again && (note === null || note.code in WELL);
  if (again) return remark(station);
  const paused = pause(station);
  if (paused) return made("ask", "i-pause", "state.paused", { note: paused });
  if (note === null) return made("ready", "i-ready", "state.ready", { say: t(toBegin(snapshot, station)) });
  if (note.code in READ) return read(READ[note.code], note);
  if (note.code === "read-back") return read(WELL["read-back"], note);
  const [tone, shape, word, ofPart] = well(note) ?? ["ask", "i-warn", "state.not-marked", false];
  return made(tone, shape, word, { note: ofPart ? heard(station, note) : note, part: ofPart ? before(station) : "" });
}

/** A reading post that rests. */
function post(snapshot, station) {
  const paused = pause(station);
  if (paused) return made("ask", "i-pause", "state.paused", { note: paused });
  const { note } = station;
  if (note === null) {
    const say = t(snapshot.signed_in ? "say.ready-post" : "say.signed-out");
    return made("ready", "i-ready", "state.ready", { say });
  }
  return read(WELL[note.code] ?? READ[note.code] ?? ["ask", "i-warn", "state.not-read"], note);
}

/** What a read found; a code that is good is told by its number alone. */
function read([tone, shape, word], note) {
  const part = tone === "good" ? serialIn(note.facts.content) : "";
  const { content, ...facts } = note.facts;
  return made(tone, shape, word, { note: part ? { ...note, facts } : note, part });
}

/** What two people allowed to be marked again: the same parts stay. */
function remark(station) {
  const { places } = station.next;
  const say = isTray(station)
    ? t("say.again-tray", { places: places.map((each) => each.position).join(", ") })
    : t("say.again", { number: station.next.serial });
  return made("ask", "i-again", "state.again", { say });
}

/** Why a run stands still, while that is what a person has to know; null after what came since. */
function pause(station) {
  const { paused } = station.run;
  const { note } = station;
  if (paused === null || note === null) return paused;
  const stopped = paused.code === "stopped"; // by a person, or a person has acted on what it was
  if (note.code in WELL) return stopped ? null : paused;
  if (note.code in READ) return null;
  return stopped && note.code === "not-started" ? paused : note;
}

function toBegin(snapshot, station) {
  if (!snapshot.signed_in) return "say.signed-out";
  if (station.can.includes("run")) return `say.ready-${station.start}`;
  if (station.next.first) return isTray(station) ? "say.ready-first-tray" : "say.ready-first";
  return isTray(station) ? "say.ready-tray" : "say.ready";
}

const isTray = (station) => (station.order?.tray ?? 1) > 1;

/** The number, or the numbers from the first place to the last, of the marks before. */
function before(station, { line = false } = {}) {
  const last = station.parts.find((part) => part.state !== "open");
  if (!last) return "";
  const first = station.parts.filter((part) => part.seq === last.seq).at(-1);
  const text = first === last ? last.serial : `${first.serial} – ${last.serial}`;
  const typed = last.entry === "keyed" && last.state === "good" ? "part.typed" : `part.${last.state}`;
  return line || typed === "part.typed" ? `${text} ${t(has(typed) ? typed : "part.open")}` : text;
}

/** A note of a part that ended well, with what was read of it and how well; of a tray, nothing. */
function heard(station, note) {
  const last = station.parts.find((part) => part.state !== "open");
  if (!last || isTray(station)) return note;
  const facts = { ...note.facts };
  if (last.grade) facts.grade = last.grade;
  if (last.read) facts.content = last.read;
  return { ...note, facts };
}

const made = (tone, shape, word, more) => ({
  tone, shape, word: t(word), then: "", part: "", say: "", note: null, step: -1, busy: false, ...more,
});
