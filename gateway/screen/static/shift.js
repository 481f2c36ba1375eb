// The end of a shift: what the journal says, what lies on the bench, who signs; and the reports.

import { icon, make } from "./elements.js";
import { Declined, stationPath } from "./gateway.js";
import { dayAndTime, language, number, t } from "./texts.js";

const BINS = ["good", "aside", "scrapped"];
const REASONS = ["miscounted", "taken-away", "not-found"];

const $ = (id) => document.getElementById(id);

export class Shift {
  #act;
  #show;
  #reports;
  #orders = [];
  #trials = 0;
  #first = 0;
  #signed = false;

  /** `act(path, body)` asks the station; `show(id)` opens a dialog; `reports(station)` lists them. */
  constructor({ act, show, reports }) {
    [this.#act, this.#show, this.#reports] = [act, show, reports];
    $("counts").addEventListener("input", () => this.#compare());
  }

  ask(station) {
    this.#orders = station.shift.orders;
    this.#trials = station.shift.trials;
    this.#first = station.shift.first;
    this.#signed = false;
    this.#show("shift");
    this.speak();
    this.#compare();
    $("counts").querySelector("input")?.focus();
  }

  speak() {
    const typed = new FormData($("shift").querySelector("form"));
    $("counts").replaceChildren(...this.#orders.flatMap((order) => this.#rows(order, typed)));
    $("shift-trials").textContent = t("shift.trials", { n: number(this.#trials) });
    $("shift-reasons").replaceChildren(...REASONS.map((id) => this.#chip(id)));
    this.#compare();
  }

  /** The station has moved on: other counts than those that are shown are not signed. */
  follow(station) {
    if (this.#signed && station && station.shift.first !== this.#first) {
      this.#signed = false;
      if (this.#orders.length) this.#reports(station);
    }
    if (!$("shift").open) return;
    const same = JSON.stringify(station?.shift.orders) === JSON.stringify(this.#orders);
    if (!same || station.shift.first !== this.#first || !station.can.includes("shift")) $("shift").close();
  }

  async send(data) {
    const orders = this.#orders.map(({ order }, index) => {
      const counted = BINS.map((bin) => [bin, data.get(`${bin}-${index}`).trim()]);
      if (counted.some(([, value]) => !/^\d+$/.test(value))) throw new Declined("not-counted");
      return { order, ...Object.fromEntries(counted.map(([bin, value]) => [bin, Number(value)])) };
    });
    const who = (n) => ({ badge: data.get(`badge-${n}`), pin: data.get(`pin-${n}`) });
    const apart = this.#apart().length > 0;
    const more = apart ? { lead: who(2), reason: data.get("reason") } : {};
    await this.#act("shift-end", { first: this.#first, orders, operator: who(1), ...more });
    this.#signed = true;
  }

  #rows({ order, bins, states, left }, typed) {
    const index = this.#orders.findIndex((each) => each.order === order);
    const cells = BINS.map((bin) => {
      const field = make("input", { name: `${bin}-${index}`, inputmode: "numeric", autocomplete: "off", maxlength: 6, required: "" });
      field.value = typed.get(field.name) ?? "";
      const says = make("small", {}, t("shift.journal", { n: number(bins[bin]) }));
      return make("label", { class: "bin", "data-bin": bin }, make("span", {}, t(`bin.${bin}`)), field, says, make("b", { class: "apart" }));
    });
    const also = ["marked", "unknown", "voided"].filter((state) => states[state]);
    const words = [t("order.left", { n: number(left) }), ...also.map((state) => t(`shift.${state}`, { n: number(states[state]) }))];
    return [make("div", { class: "tally", "data-order": order }, make("h3", {}, order), ...cells, make("p", {}, words.join(" · ")))];
  }

  #chip(id) {
    const chip = make("button", { type: "button", class: "chip" }, t(`reason.${id}`));
    chip.addEventListener("click", () => {
      $("shift").querySelector("[name=reason]").value = t(`reason.${id}`);
    });
    return chip;
  }

  /** Where hand and journal differ: those fields. */
  #apart() {
    return this.#orders.flatMap(({ bins }, index) =>
      BINS.map((bin) => {
        const field = $("counts").querySelector(`[name=${bin}-${index}]`);
        return field && /^\d+$/.test(field.value.trim()) ? { field, by: Number(field.value) - bins[bin] } : null;
      }).filter((each) => each?.by),
    );
  }

  /** Says each difference beside its field; then the shift lead signs too. */
  #compare() {
    const apart = this.#apart();
    for (const cell of $("counts").querySelectorAll(".bin")) {
      const found = apart.find(({ field }) => cell.contains(field));
      cell.classList.toggle("differs", !!found);
      const says = found ? [icon("i-warn"), t("shift.differs", { n: `${found.by > 0 ? "+" : ""}${found.by}` })] : [];
      cell.querySelector(".apart").replaceChildren(...says);
    }
    const none = apart.length === 0;
    for (const id of ["shift-second", "shift-why"]) $(id).hidden = $(id).disabled = none;
    $("shift-says").textContent = t(none ? "dialog.shift-says" : "dialog.shift-differs");
  }
}

/** The last shifts that were ended, each order's report to be kept or printed: `fetched(address)`. */
export function reportRows(station, fetched) {
  return station.shifts.flatMap((shift) =>
    shift.orders.map((order) => {
      const query = (form) => `api/${stationPath(station.name, `report.${form}`)}?${new URLSearchParams({ shift: shift.seq, order, language: language() })}`;
      const link = (form) => {
        const made = make("a", { class: "paper", href: query(form), download: "" }, form.toUpperCase());
        made.addEventListener("click", (event) => {
          event.preventDefault();
          fetched(query(form));
        });
        return made;
      };
      return make("div", { class: "report" }, make("b", {}, order), make("small", {}, `${dayAndTime(shift.at)} · ${shift.operator ?? ""}`), link("pdf"), link("csv"));
    }),
  );
}
