// The operator's page: shows the newest snapshot, and sends what a person presses.

import { Declined, Stream, post, stationPath } from "./gateway.js";
import { Dialogs } from "./dialogs.js";
import { KEYS, key as keyOf, rows } from "./keys.js";
import { scanner } from "./scanner.js";
import { renderHold } from "./hold.js";
import { reach } from "./reach.js";
import { choose, day, facts, language, number, sentence, t, time } from "./texts.js";
import { glance, view } from "./view.js";
import { Progress, renderPlate } from "./drawing.js";
import { renderSide } from "./side.js";
import { Sounds } from "./sound.js";
import { icon, make, put } from "./elements.js";

const NOTICE_MS = 9000;
const MOVED_ON = ["other-part", "other-order"];
const SETTLED_MS = 400; // a button that has just changed its meaning takes no second tap

const $ = (id) => document.getElementById(id);
const VERSION = document.body.dataset.version;

let snapshot = null;
let lostAt = null;
let offset = 0;
let selected = sessionStorage.getItem("station");
let notice = null;
let noticeEnds = 0;
let pending = false;
let meaning = "";
let meantSince = 0;

const station = () =>
  snapshot.stations.find((each) => each.name === selected) ?? snapshot.stations[0] ?? null;

const dialogs = new Dialogs({
  act: ask,
  signedIn: () => stream.open(),
});

const sounds = new Sounds($("sound"));
const progress = new Progress($("progress"));

const stream = new Stream(
  (fresh) => {
    if (fresh.page !== VERSION && !dialogs.open) {
      location.reload(); // the gateway was updated
      return;
    }
    snapshot = fresh;
    lostAt = null;
    offset = Date.parse(fresh.now) - Date.now();
    render();
  },
  () => {
    lostAt ??= Date.now();
    render();
  },
);

// -- showing

function render() {
  if (snapshot === null) {
    if (lostAt !== null) renderLost();
    return;
  }
  const here = station();
  const shown = view(snapshot, here);
  document.body.classList.toggle("lost", lostAt !== null);
  $("gateway").textContent = snapshot.gateway;
  renderTabs();
  renderWho();
  renderSide(snapshot, here, () => dialogs.chooseOrder(station()));
  renderFoot();
  renderNumber(here, shown);
  renderHold($("hold"), lostAt === null ? shown.hold : null);
  renderButtons(shown);
  if (lostAt === null) sounds.hear(here, shown, snapshot);
  progress.follow(lostAt === null ? here : null, offset);
  if (lostAt === null) renderState(shown);
  else renderLost();
  dialogs.follow(here);
}

function renderState(shown) {
  document.body.dataset.tone = shown.tone;
  $("shape").setAttribute("href", `#${shown.shape}`);
  const word = $("word");
  if (word.textContent !== shown.word) word.textContent = shown.word;
  word.className = wordSize(shown.word);
  $("part").textContent = shown.part;
  $("part").className = size(shown.part.length, [[24, ""], [Infinity, "long"]]);
  $("then").textContent = shown.then;
  const text = shown.say || (shown.note ? sentence(shown.note) : "");
  if ($("sentence").textContent !== text) $("sentence").textContent = text;
  $("sentence").className = size(text.length, [[100, ""], [Infinity, "long"]]);
  const known = shown.note ? facts(shown.note, { placed: !!shown.number?.places }) : [];
  put($("facts"), known.map(([label, value]) => make("span", {}, make("b", {}, label), ` ${value}`)));
}

const size = (length, steps) => steps.find(([most]) => length <= most)[1];
const wordSize = (word) => size(word.length, [[8, ""], [10, "middle"], [15, "long"], [Infinity, "longest"]]);

function renderLost() {
  document.body.classList.add("lost");
  document.body.dataset.tone = "lost";
  renderFoot();
  $("shape").setAttribute("href", "#i-lost");
  $("word").textContent = t("state.lost");
  $("word").className = wordSize($("word").textContent);
  $("part").textContent = "";
  $("then").textContent = "";
  $("sentence").className = "";
  $("sentence").textContent = t("say.lost");
  const seconds = Math.round((Date.now() - lostAt) / 1000);
  put($("facts"), [make("span", {}, t("say.lost-since", { seconds }))]);
}

function renderNumber(here, shown) {
  const panel = document.querySelector(".number");
  panel.hidden = shown.number === null;
  if (shown.number === null) return;
  const { label, text, line, piece, places, drawing, read } = shown.number;
  panel.classList.toggle("tray", places !== null);
  panel.classList.toggle("drawn", drawing !== null || read !== null);
  $("serial").classList.toggle("long", text.length > 10);
  renderPlate($("plate"), drawing, read);
  $("number-label").textContent = label;
  $("serial").textContent = places ? "" : text;
  $("line").textContent = line;
  renderPiece(piece);
  renderPlaces(places);
  const names = here?.marks && !piece && !places ? ["step.prepare", "step.mark", "step.read"] : [];
  put(
    $("steps"),
    names.map((name, index) => {
      const is = shown.step > index ? "past" : shown.step === index ? "now" : "next";
      const step = make("li", { class: is }, t(name));
      if (is === "now") step.setAttribute("aria-current", "step");
      return step;
    }),
  );
}

/** Which piece of the number: its name, and as many dots as there are pieces. */
function renderPiece(piece) {
  const dots = Array.from({ length: piece?.of ?? 0 }, (_, index) => {
    const is = index + 1 < piece.at ? "past" : index + 1 === piece.at ? "now" : "";
    return make("i", { class: is });
  });
  const parts = piece
    ? [
        make("b", {}, piece.name),
        make("span", { class: "of" }, t("piece.at", { n: piece.at, of: piece.of })),
        make("span", { class: "dots", "aria-hidden": "true" }, ...dots),
      ]
    : [];
  put($("piece"), parts, `${language()} ${JSON.stringify(piece)}`);
}

/** The tray, its places in their order. */
function renderPlaces(places) {
  const all = places ?? [];
  $("places").className = size(all.length, [[4, "places"], [8, "places two"], [24, "places many"], [Infinity, "places many crowd"]]);
  put(
    $("places"),
    all.map((place) =>
      make(
        "li",
        { class: place.state, title: `${place.serial} ${place.word}` },
        icon(place.shape),
        make("span", { class: "at", "aria-label": t("place.at", { n: place.position }) }, place.position),
        make("span", { class: "word" }, place.word),
        make("span", { class: "text" }, place.serial),
      ),
    ),
    `${language()} ${JSON.stringify(all)}`,
  );
}

function renderTabs() {
  put(
    $("tabs"),
    snapshot.stations.map((each) => {
      const now = glance(snapshot, each);
      const on = each === station();
      const tab = make(
        "button",
        { type: "button", role: "tab", class: `tab ${now.tone}`, "aria-selected": on, "aria-controls": "main" },
        icon(now.shape),
        make("span", {}, each.name),
      );
      tab.tabIndex = on ? 0 : -1;
      tab.addEventListener("click", () => select(each.name));
      return tab;
    }),
    `${language()} ${selected} ${snapshot.stations.map((each) => `${each.name} ${glance(snapshot, each).shape}`)}`,
  );
}

function renderWho() {
  const person = snapshot.signed_in;
  const parts = [];
  if (person) {
    const roles = person.roles.map((role) => t(`role.${role}`)).join(", ");
    const out = make("button", { type: "button", class: "quiet" }, t("do.sign-out"));
    out.addEventListener("click", signOut);
    parts.push(icon("i-person"), make("span", { class: "id" }, person.id, make("small", {}, roles)), out);
  } else if (snapshot.stations.length) {
    const enter = make("button", { type: "button", class: "quiet" }, icon("i-person"), t("do.sign-in"));
    enter.addEventListener("click", () => dialogs.signIn());
    parts.push(enter);
  }
  put($("who"), parts, `${language()} ${JSON.stringify(person)}`);
}

function renderFoot() {
  const items = [];
  const add = (kind, text) => items.push(make("span", { class: kind }, text));
  if (lostAt === null) addLink(add);
  else add("off", t("link.unknown")); // what was last heard of it may be over
  put($("foot"), items, `${language()} ${items.map((each) => each.className + each.textContent)}`);
}

function addLink(add) {
  const { link, time_trusted: trusted, latches } = snapshot;
  if (latches.length) add("alarm", t("link.latched"));
  else if (link.connected) add("on", t("link.connected"));
  if (!latches.length) addReach(add); // a blocked gateway gets nowhere, with the network or without
  if (link.waiting) add("plain", t("link.waiting", { n: number(link.waiting) }));
  else if (link.connected) add("plain", t("link.all-sent"));
  const refused = link.refused.length + link.refused_more;
  if (refused) add("alarm", t("link.refused", { n: number(refused) }));
  if (link.register_older) add("alarm", t("link.register-older"));
  if (!trusted && !latches.length) add("alarm", t("link.time-untrusted"));
}

/** How far the station gets without the network; large as soon as it has none, or little is left. */
function addReach(add) {
  const { text, kind } = reach(snapshot, station(), Date.now() + offset);
  if (!text) {
    if (!snapshot.link.connected) add("off", t("link.away"));
  } else if (kind === "plain" && !snapshot.link.connected) add("off reach", text);
  else add(kind === "plain" ? "plain" : `${kind} reach`, text);
}

// -- buttons

/** Ask the station. Where it is at another part or order than was shown, show what is there now. */
async function ask(path, body) {
  try {
    await post(stationPath(station().name, path), body);
  } catch (problem) {
    if (MOVED_ON.includes(problem.code)) {
      tell(problem); // also where the dialog closes, since its part is gone
      stream.open();
    }
    throw problem;
  }
}

function renderButtons(shown) {
  const means = `${selected} ${shown.primary.map((each) => `${each.id} ${each.body?.intent}`)}`;
  if (means !== meaning) {
    [meaning, meantSince] = [means, performance.now()];
    setTimeout(render, SETTLED_MS);
  }
  const off = lostAt !== null || pending || performance.now() - meantSince < SETTLED_MS;
  const draw = (action, strong) => {
    const button = make(
      "button",
      { type: "button", class: `${strong ? "strong" : "quiet"} ${action.id}`, "data-action": action.id },
      icon(action.icon),
      make("span", {}, t(action.label)),
    );
    button.addEventListener("click", () => press(action, shown.more));
    button.disabled = off || !!action.off;
    return button;
  };
  const key = `${language()} ${selected} ${off} ${JSON.stringify([shown.primary, shown.secondary, shown.more])}`;
  put($("primary"), shown.primary.map((each) => draw(each, true)), key);
  put($("secondary"), shown.secondary.map((each) => draw(each, false)), key);
}

async function press(action, more = []) {
  if (action.dialog) {
    if (action.dialog === "more") dialogs.more(more, press);
    else dialogs.ask(action.dialog, station());
    return;
  }
  pending = true;
  render();
  try {
    await ask(action.path, action.body);
    tell(null);
  } catch (problem) {
    if (!(problem instanceof Declined)) throw problem;
    tell(problem);
    if (problem.code === "sign-in-first") dialogs.signIn();
  } finally {
    pending = false;
    render();
  }
}

async function signOut() {
  try {
    await post("sign-out");
  } catch (problem) {
    if (!(problem instanceof Declined)) throw problem;
    tell(problem);
  }
  stream.open();
}

/** Show why the gateway declined, for a while; null takes it away. */
function tell(problem) {
  notice = problem;
  clearTimeout(noticeEnds);
  if (problem) noticeEnds = setTimeout(() => tell(null), NOTICE_MS);
  renderNotice();
}

function renderNotice() {
  $("notice").hidden = notice === null;
  $("notice").textContent = notice === null ? "" : sentence(notice);
}

function select(name) {
  selected = name;
  sessionStorage.setItem("station", name);
  tell(null);
  render();
}

$("tabs").addEventListener("keydown", (event) => {
  const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!way || snapshot === null) return;
  const names = snapshot.stations.map((each) => each.name);
  const at = names.indexOf(station().name);
  select(names[(at + way + names.length) % names.length]);
  $("tabs").querySelector("[aria-selected=true]").focus();
});

// The keys of `keys.js`. Enter and Space are for whatever has the focus, where something has it;
// the pedal is for the one button always.
document.addEventListener("keydown", (event) => {
  if (dialogs.open || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key.length === 1 && event.key !== " ") {
    if (snapshot && !snapshot.signed_in && snapshot.stations.length && lostAt === null) {
      event.preventDefault();
      dialogs.signIn(event.key); // a badge is being scanned
    }
    return;
  }
  const does = keyOf(event.key);
  if (!does) return;
  const focused = document.activeElement && document.activeElement !== document.body;
  if (does === "primary" && event.key !== KEYS.pedal[0] && focused && !scanner.ended) return;
  event.preventDefault();
  if (event.repeat) return;
  if (event.key === "Enter" && scanner.ended) scanned(scanner.ended);
  else if (!scanner.recent || !["Enter", " "].includes(event.key)) carryOut(does);
});

function carryOut(does) {
  if (does === "keys") return dialogs.showKeys(rows());
  if (does === "sound") return $("sound").click();
  if (does === "order") return document.querySelector("#order button")?.click();
  if (does === "primary") {
    const [only, other] = $("primary").querySelectorAll("button:not(:disabled)");
    if (only && !other) only.click();
    return undefined;
  }
  for (const id of KEYS[does].slice(-1)[0]) {
    const button = document.querySelector(`[data-action="${id}"]:enabled`);
    if (button) return button.click();
  }
  return undefined;
}

/** What was scanned while somebody is signed in: an order's sheet, or somebody else's badge. */
async function scanned(text) {
  if (snapshot === null || !snapshot.signed_in || lostAt !== null) return;
  try {
    if (station().orders.includes(text)) await post(stationPath(station().name, "order"), { order: text });
    else if (text.startsWith("[)>")) throw new Declined("scanned-part");
    else {
      await post("sign-in", { badge: text });
      stream.open();
    }
    tell(null);
  } catch (problem) {
    if (!(problem instanceof Declined)) throw problem;
    tell(problem.code === "badge-not-known" ? new Declined("scanned-nothing", { code: text }) : problem);
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", (event) => {
    if (event.detail) button.blur(); // a finger, not a key: Enter is for the one button again
    speak(button.dataset.language);
    sounds.speak();
    render();
    renderNotice();
  });
}

function speak(wanted) {
  choose(wanted);
  for (const each of document.querySelectorAll("[data-language]")) {
    each.setAttribute("aria-pressed", String(each.dataset.language === wanted));
  }
  dialogs.speak();
}

function tick() {
  const now = Date.now() + offset;
  put($("clock"), [make("b", {}, time(now)), make("small", {}, day(now))], `${day(now)} ${time(now)}`);
  if (lostAt !== null) renderLost();
}

speak(language());
tick();
setInterval(tick, 1000);
