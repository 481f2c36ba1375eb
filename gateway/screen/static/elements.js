// Elements by code: no markup from text anywhere.

const SVG = "http://www.w3.org/2000/svg";

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

export function icon(id) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon ${id}`);
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

const shown = new WeakMap();

/** Put children in place, but only when `key` is a new one; so the focus stays. Says if it did. */
export function put(parent, children, key = null) {
  if (key !== null && shown.get(parent) === key) return false;
  shown.set(parent, key);
  parent.replaceChildren(...children);
  return true;
}
