// What needs a person: alerts that nobody has resolved, and what the register refused.

import { soon } from "./frames.js";
import { el, language, number, shape, t } from "./texts.js";

const FIRST = 3; // shown at once; the others behind a summary
const alerts = document.getElementById("alerts");
const attention = document.getElementById("attention");
let told = { open: 0, newest: [] };
let refused = { refusals: [], evidence: [] };

/** The newest of the open alerts, and how many there are. */
export function showAlerts(value) {
  told = value;
  soon(drawAlerts);
}

function drawAlerts() {
  alerts.hidden = told.open === 0;
  alerts.querySelector("ul").replaceChildren(...told.newest.map((alert) => el("li", { "data-severity": alert.severity },
    el("a", { href: `/alerts/${encodeURIComponent(alert.number)}` },
      shape(alert.severity === "critical" ? "bad" : "attention"), el("b", {}, alert.title[language])),
    el("small", {}, alert.text[language]))));
  alerts.querySelector(".all").textContent = t("All open alerts: {n}", "", { n: number(told.open) });
}

export function showAttention(refusals, evidence) {
  refused = { refusals, evidence };
  soon(drawAttention);
}

function drawAttention() {
  const { refusals, evidence } = refused;
  const rows = [
    ...evidence.map((each) => ({
      at: each.received, title: t(each.reason, "evidence"), who: each.gateway,
      detail: each.told[language], href: `/feed/evidence/${each.id}/bytes`, save: `evidence-${each.id}.bin`,
    })),
    ...refusals.map((each) => ({
      at: each.at ?? "", title: t(each.code, "verdict"),
      who: `${each.record.gateway}/${each.record.epoch}/${each.record.seq}`, detail: each.told[language],
      href: `/records/${each.record.gateway}/${each.record.epoch}/${each.record.seq}`, save: null,
    })),
  ].sort((a, b) => (a.at < b.at ? 1 : -1));
  attention.hidden = rows.length === 0;
  const open = attention.querySelector("details")?.open ?? false;
  const items = rows.map((row) => el("li", {},
    el("b", {}, row.title), " · ", el("a", { href: row.href, download: row.save }, row.who),
    el("small", {}, row.detail)));
  attention.querySelector("details")?.remove();
  attention.querySelector("ul").replaceChildren(...items.slice(0, FIRST));
  if (items.length > FIRST) {
    attention.append(el("details", { open },
      el("summary", {}, t("and {n} more", "", { n: number(items.length - FIRST) })),
      el("ul", {}, ...items.slice(FIRST))));
  }
}
