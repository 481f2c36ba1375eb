// People decide: how, of which places or of which earlier part, why, and who they are. Two of them;
// of the first piece of an order the one who did not mark it.

import { Declined } from "./gateway.js";
import { make } from "./elements.js";
import { checkedSpots, spots } from "./spots.js";
import { componentName, t } from "./texts.js";

const OVER = ["scrapped", "voided"];
const HOWS = ["accepted", "remark", ...OVER];
const REASONS = ["seen-legible", "nothing-there", "damaged", "power", "taken-away"];
const FIRST_REASONS = ["wrong-place", "wrong-depth", "damaged"];
const OPEN_PHASES = ["unknown", "read-blocked", "set-aside"];

const $ = (id) => document.getElementById(id);

export class Decide {
  #act;
  #show;
  #what = "";
  #number = "";
  #seq = 0;
  #part = null;

  /** `act(path, body)` asks the station; `show(id)` opens a dialog. */
  constructor({ act, show }) {
    this.#act = act;
    this.#show = show;
    $("hows").addEventListener("change", () => this.#says());
  }

  /** Of what the station has at hand. */
  ask(what, station) {
    const { current } = station;
    const due = (current?.places ?? []).filter((place) => place.due);
    this.#part = null;
    this.#open(what, current?.seq ?? 0, HOWS, what === "settle" ? due : []);
    this.#number = due.length > 1 ? "" : (due[0]?.serial ?? current?.serial ?? "");
    this.#label();
  }

  /** Of a part that the station made before. */
  askEarlier(part) {
    this.#part = part;
    this.#open("settle-earlier", part.seq, ["unknown", "rejected"].includes(part.state) ? ["accepted", ...OVER] : OVER, []);
    this.#number = part.serial;
    this.#label();
  }

  /** Of the first piece of an order: the shift lead approves it, or sets it aside. */
  askFirst(station) {
    this.#part = null;
    this.#open("first-piece", station.first.seq, ["approve", "refuse"], [], FIRST_REASONS);
    this.#number = station.first.serial;
    this.#label();
  }

  /** The station has moved on: a dialog about a number that is settled by now goes away. */
  follow(station) {
    if (!$("decide").open) return;
    if (this.#what === "first-piece") {
      if (station?.first?.seq !== this.#seq) $("decide").close();
      return;
    }
    const over = !station?.current || station.current.seq !== this.#seq || !OPEN_PHASES.includes(station.phase);
    const gone = this.#part ? station?.phase !== "idle" || station.run.on : over;
    if (gone) $("decide").close();
  }

  speak() {
    if (this.#what) this.#label();
  }

  async send(data) {
    const witnesses = [1, 2].map((n) => ({ badge: data.get(`badge-${n}`), pin: data.get(`pin-${n}`) }));
    if (this.#what === "first-piece") {
      const approves = data.get("how") === "approve";
      await this.#act("first-piece", { seq: this.#seq, approves, reason: data.get("reason"), witness: witnesses[0] });
      return;
    }
    const body = { reason: data.get("reason"), witnesses };
    if (this.#what !== "unlatch") {
      if (!data.get("how")) throw new Declined("not-valid");
      body.how = data.get("how");
    }
    if (this.#part) Object.assign(body, { seq: this.#part.seq, position: this.#part.position });
    else body.intent = this.#seq;
    if (this.#what === "settle") body.positions = checkedSpots(data);
    await this.#act(this.#what, body);
  }

  #open(what, seq, hows, places, why = REASONS) {
    [this.#what, this.#seq] = [what, seq];
    const alone = what === "first-piece";
    $("decide-second").hidden = $("decide-second").disabled = alone;
    document.querySelector("#decide-first legend").dataset.t = alone ? "field.lead" : "field.first";
    $("decide").querySelector("[name=reason]").required = !alone;
    const reasons = why.map((id) => {
      const chip = make("button", { type: "button", class: "chip", "data-t": `reason.${id}` });
      chip.addEventListener("click", () => {
        $("decide").querySelector("[name=reason]").value = t(`reason.${id}`);
      });
      return chip;
    });
    const choices = hows.map((how) => {
      const radio = make("input", { type: "radio", name: "how", value: how, required: "" });
      const words = make("span", {}, make("b", { "data-t": `how.${how}` }), make("small", { "data-t": `how-says.${how}` }));
      return make("label", { class: "choice" }, radio, words);
    });
    $("hows").replaceChildren(...(what === "unlatch" ? [] : choices));
    $("hows").hidden = what === "unlatch";
    $("reasons").replaceChildren(...reasons);
    this.#show("decide");
    spots($("decide-spots"), places);
  }

  get #name() {
    return this.#part ? `${componentName(this.#part.component)} ${this.#number}` : this.#number;
  }

  /** A decision that ends a part is recorded for good: once it is chosen, the dialog names the part. */
  #says() {
    const how = this.#part && OVER.find((each) => $("hows").querySelector(`[value=${each}]:checked`));
    const title = this.#number ? this.#what : "settle-tray";
    $("decide-says").textContent = how ? t(`over.${how}`, { part: this.#name }) : t(`dialog.${title}-says`);
    $("decide-says").classList.toggle("over", Boolean(how));
  }

  #label() {
    const title = this.#number ? this.#what : "settle-tray";
    $("decide-title").textContent = t(`dialog.${title}`, { number: this.#name });
    this.#says();
    for (const each of $("decide").querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  }
}
