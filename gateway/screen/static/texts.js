// Texts by code, in the language that is chosen; times as they are in Tirana.

const YEAR_S = 365 * 24 * 3600;
const TIME = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Tirane", hour: "2-digit", minute: "2-digit",
});
const DAY = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Tirane", day: "2-digit", month: "2-digit", year: "numeric",
});

const catalogues = JSON.parse(document.getElementById("texts").textContent);
let chosen = document.documentElement.lang;

export const language = () => chosen;

/** Change the language, and keep the choice for the next visit. */
export function choose(wanted) {
  chosen = wanted;
  document.documentElement.lang = wanted;
  document.cookie = `gjurma_language=${wanted}; Path=/; Max-Age=${YEAR_S}; SameSite=Strict`;
  document.title = t("page.title");
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  for (const each of document.querySelectorAll("[data-label]")) {
    each.setAttribute("aria-label", t(each.dataset.label));
  }
}

export const has = (code) => Object.hasOwn(catalogues[chosen], code);

/** The text of a code with its places filled; a code that has none is shown as it is. */
export function t(code, places = {}) {
  const text = has(code) ? catalogues[chosen][code] : code;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in places ? String(places[name]) : whole));
}

/** A quantity, its digits in groups of three. */
export const number = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/** What a note says, in full sentences. */
export const sentence = (note) =>
  has(`note.${note.code}`) ? t(`note.${note.code}`, note.facts) : t("note.other", { code: note.code });

/** The facts of a note that are worth showing, each as [label, text]; `placed`: of a tray. */
export const facts = (note, { placed = true } = {}) =>
  Object.entries(note.facts)
    .filter(([name, value]) => value !== "" && (placed || name !== "positions"))
    .map(([name, value]) => [has(`fact.${name}`) ? t(`fact.${name}`) : name, factText(name, value)]);

function factText(name, value) {
  if (name === "until") return dayAndTime(value);
  if (name === "content") return visible(value);
  const group = { cause: "cause", how: "how", state: "activity", mode: "verify", entry: "entry" }[name];
  if (has(`${group}.${value}`)) return t(`${group}.${value}`);
  return name === "detail" || name === "cause" ? told(value) : value;
}

/** A detail by its code and its facts, each of which may be one again. What a device's driver said
 * by its words, as `heard.<words-with-hyphens>`; what no catalogue has, as a quotation. */
function told(value) {
  const { code, facts: inner, english } = typeof value === "string" ? { english: value } : value;
  if (code && has(`detail.${code}`)) {
    const places = Object.entries(inner).map(([name, each]) => [name, typeof each === "string" ? each : told(each)]);
    return t(`detail.${code}`, Object.fromEntries(places));
  }
  const words = `heard.${english.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return has(words) ? t(words) : english.includes(" ") ? `«${english}»` : english;
}

/** A piece in words; one that the catalogues do not know by its own name. */
export const componentName = (name) => (has(`component.${name}`) ? t(`component.${name}`) : name);

/** The serial number that a symbol's content holds, or "". */
export const serialIn = (content = "") =>
  content.split(/[\u0000-\u001f]/).map((element) => /^(?:S|21)(.+)$/.exec(element)?.[1]).find(Boolean) ?? "";

/** A symbol's content for people: without its envelope, its elements apart. */
export const visible = (content) =>
  content
    .replace(/^\[\)>\u001e\d\d\u001d/, "")
    .replace(/[\u001e\u0004]+$/, "")
    .replace(/[\u0000-\u001f]/g, " · ");

export const time = (at) => TIME.format(typeof at === "string" ? new Date(at) : at);
export const day = (at) => DAY.format(typeof at === "string" ? new Date(at) : at).replaceAll("/", ".");
export const dayAndTime = (at) => `${day(at)} ${time(at)}`;

const DAY_MS = 24 * 3600 * 1000;

/** A time that is near by its hour alone; tomorrow's by that word, and later by day and month. */
export function soon(at, now = Date.now()) {
  if (day(at) === day(now)) return time(at);
  return day(at) === day(now + DAY_MS) ? t("when.tomorrow", { time: time(at) }) : `${day(at).slice(0, 5)} ${time(at)}`;
}
