// The app's texts, from the catalogues, and times and numbers as people here write them.

export type Language = "sq" | "en";

type Messages = Record<string, string | [one: string, several: string]>;

const GLUE = "\x04";
const KEPT = "gjurma-language";
let messages: Messages = {};

export const chosen = (): Language => (localStorage.getItem(KEPT) === "en" ? "en" : "sq");

export async function speak(language: Language): Promise<void> {
  const address = document.documentElement.dataset[language === "en" ? "wordsEn" : "wordsSq"]!;
  messages = (await (await fetch(address)).json()) as Messages;
  localStorage.setItem(KEPT, language);
  document.documentElement.lang = language;
}

export type Values = Record<string, string | number>;

function filled(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) =>
    name in values ? String(values[name]) : place,
  );
}

/** The text of a message. */
export function t(message: string, values: Values = {}): string {
  const found = messages[message] ?? message;
  return filled(typeof found === "string" ? found : found[1], values);
}

/** Of one that says `n` of something. */
export function many(n: number, message: string, values: Values = {}): string {
  const found = messages[message] ?? message;
  const text = typeof found === "string" ? found : found[n === 1 ? 0 : 1];
  return filled(text, { n: number(n), ...values });
}

/** The word for a code of the register's; one without a word stays as it is. */
export function word(context: string, code: string): string {
  const found = messages[context + GLUE + code] ?? code;
  return typeof found === "string" ? found : found[1];
}

// Not every Chromium knows how Albanian writes these.
export const number = (value: number): string =>
  String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

const PARTS = new Intl.DateTimeFormat("en-GB", {
  timeZone: "Europe/Tirane",
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

/** At Tirana: 26.11.2026 14:30. */
export function time(date: Date): string {
  const parts = Object.fromEntries(PARTS.formatToParts(date).map((each) => [each.type, each.value]));
  const { day, month, year, hour, minute } = parts as Record<string, string>;
  return `${day}.${month}.${year} ${hour}:${minute}`;
}
