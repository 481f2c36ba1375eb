// The page's texts, and small pieces of DOM. Nothing is ever parsed as HTML.

import { day } from "./times.js";

const language = document.documentElement.lang;
const { default: messages } = await import(`./words-${language}.js`);

/** The text of a message, or of a code under a context; a code without a text stays as it is. */
export function t(message, context = "", values = {}) {
  const text = messages[context ? `${context}\u0004${message}` : message] ?? message;
  return text.replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

export const has = (message, context) => `${context}\u0004${message}` in messages;

// Chromium knows no Albanian numbers on every machine; digits are grouped the same way by hand.
export const number = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");

/** How long ago, in words; `now` is the server's. */
export function ago(date, now) {
  const seconds = Math.max(0, Math.round((now - date) / 1000));
  if (seconds < 60) return t("{n} s ago", "", { n: seconds });
  if (seconds < 3600) return t("{n} min ago", "", { n: Math.floor(seconds / 60) });
  if (seconds < 86400) return t("{n} h ago", "", { n: Math.floor(seconds / 3600) });
  return day(date);
}

/** An element with attributes and children; texts are texts. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function shape(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#s-${name}`);
  svg.append(use);
  return svg;
}

export { language };
