// Plots: each `figure.g-plot` draws what it holds, in the tokens' colours and as wide as it is.

import "./header.js";
import { clockTime, number, t } from "./texts.js";

const HEIGHT = 180;
const drawn = new Map();

/** A token's colour as it is here and now: a canvas does not know `light-dark()`. */
function colour(figure, token) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${token})`;
  figure.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function draw(figure) {
  const { unit, times, lines } = JSON.parse(figure.dataset.plot);
  const axis = {
    stroke: colour(figure, "muted"),
    grid: { stroke: colour(figure, "line"), width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(figure).fontFamily}`,
  };
  drawn.get(figure)?.destroy();
  const options = {
    width: figure.clientWidth,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false } },
    series: [
      { value: (_, at) => (at === null ? "–" : clockTime(new Date(at * 1000)).slice(0, 5)), label: t("Time at Tirana") },
      ...lines.map(([label, tone], index) => ({
        label, stroke: colour(figure, tone), width: 2, dash: index ? [6, 4] : undefined, points: { show: false },
        value: (_, value) => (value === null ? "–" : `${number(value)} ${unit}`),
      })),
    ],
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((at) => clockTime(new Date(at * 1000)).slice(0, 5)) },
      { ...axis, size: 44, values: (_, ticks) => ticks.map(number) },
    ],
    scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(1, high * 1.1)] } },
  };
  drawn.set(figure, new window.uPlot(options, [times, ...lines.map(([, , values]) => values)], figure));
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const plot = drawn.get(target);
    if (plot && plot.width !== target.clientWidth) plot.setSize({ width: target.clientWidth, height: HEIGHT });
  }
});

for (const figure of document.querySelectorAll(".g-plot")) {
  draw(figure);
  resized.observe(figure);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((_, figure) => draw(figure)));
