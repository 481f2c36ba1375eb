// Plots: each `figure.g-plot` is drawn in the tokens' colours, as wide as it is, once a frame at most.

import "./header.js";
import { soon } from "./frames.js";
import { number, t } from "./texts.js";
import { clockTime } from "./times.js";

const HEIGHT = 180;
const DASHES = [undefined, [6, 4], [2, 3], [10, 3, 2, 3], [1, 5]];
const drawn = new Map(); // by figure: what it shows, and uPlot's own

/** A token's colour as it is here and now: a canvas does not know `light-dark()`. */
function colour(figure, token) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${token})`;
  figure.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const minute = (seconds) => clockTime(new Date(seconds * 1000)).slice(0, 5);

function make(figure, { unit, lines }) {
  const axis = {
    stroke: colour(figure, "muted"),
    grid: { stroke: colour(figure, "line"), width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(figure).fontFamily}`,
  };
  const options = {
    width: figure.clientWidth,
    height: Number(figure.dataset.height ?? HEIGHT),
    cursor: { drag: { x: false, y: false } },
    series: [
      { value: (plot, at) => minute(at ?? plot.data[0].at(-1)), label: t("Time at Tirana") },
      ...lines.map(([label, tone], index) => ({
        label, stroke: colour(figure, tone), width: 2, dash: DASHES[index], points: { show: false },
        // Where no pointer asks for another minute, the last one's stands beside the line's name.
        value: (plot, value, line) => `${number(value ?? plot.data[line].at(-1) ?? 0)} ${unit}`.trim(),
      })),
    ],
    axes: [
      { ...axis, size: 26, values: (_, ticks) => ticks.map(minute) },
      // A count is whole: between two of them there is nothing to name.
      { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? number(tick) : "")) },
    ],
    scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] } },
  };
  return new window.uPlot(options, data(figure), figure);
}

const data = (figure) => {
  const { times, lines } = drawn.get(figure).shown;
  return [times, ...lines.map(([, , values]) => values)];
};

function paint(figure, anew) {
  const known = drawn.get(figure);
  if (known.plot && !anew) known.plot.setData(data(figure));
  else {
    known.plot?.destroy();
    known.plot = make(figure, known.shown);
  }
}

/** Show `{unit, times, lines: [[label, token, values], …]}` in a figure; the same lines stay, with new values. */
export function plot(figure, shown) {
  const before = drawn.get(figure);
  const names = (each) => JSON.stringify(each.lines.map(([label, token]) => [label, token]));
  const known = before ?? { paint: () => { paint(figure, known.anew); known.anew = false; }, anew: true };
  known.anew ||= names(known.shown ?? shown) !== names(shown);
  known.shown = shown;
  if (!before) {
    drawn.set(figure, known);
    resized.observe(figure);
  }
  soon(known.paint);
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const made = drawn.get(target)?.plot;
    if (made && made.width !== target.clientWidth) made.setSize({ width: target.clientWidth, height: made.height });
  }
});

for (const figure of document.querySelectorAll(".g-plot[data-plot]")) plot(figure, JSON.parse(figure.dataset.plot));
for (const wish of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
  matchMedia(wish).addEventListener("change", () => {
    for (const known of drawn.values()) {
      known.anew = true;
      soon(known.paint);
    }
  });
}
