// The last hour, minute by minute: how many marks each line made, and what became of them.

import { plot } from "./plot.js";
import { number, t } from "./texts.js";

// A line is told from the next one by its dashes too; colours of an outcome are left to outcomes.
const TONES = ["info", "ink", "action", "muted", "neutral"];
const lines = document.getElementById("pace-lines");
const outcomes = document.getElementById("pace-outcomes");
const totals = document.getElementById("pace-totals");
const rate = document.getElementById("rate");

export function showPace(pace) {
  plot(lines, {
    unit: "",
    times: pace.minutes,
    lines: pace.lines.map(({ gateway, marks }, index) => [gateway || t("all other lines"), TONES[index], marks]),
  });
  plot(outcomes, {
    unit: "",
    times: pace.minutes,
    lines: [[t("good", "pace"), "good", pace.good], [t("set aside", "pace"), "bad", pace.aside]],
  });
  totals.textContent = t("Last hour: {n} marks, {good} good, {aside} set aside", "", {
    n: number(pace.total), good: number(pace.total_good), aside: number(pace.total_aside),
  });
  rate.textContent = pace.last_minute ? t("{n} in the last minute", "", { n: number(pace.last_minute) }) : "";
}
