// Dialogs: signing in, two people deciding, a trial shot, another order.

import { Declined, post } from "./gateway.js";
import { icon, make } from "./elements.js";
import { sentence, t } from "./texts.js";

const HOWS = ["accepted", "remark", "scrapped", "voided"];
const REASONS = ["seen-legible", "nothing-there", "damaged", "power", "taken-away"];
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "⌫"];
const OPEN_PHASES = ["unknown", "read-blocked", "set-aside"];

const $ = (id) => document.getElementById(id);

export class Dialogs {
  #act;
  #signedIn;
  #what = "";
  #number = "";
  #seq = 0;

  /** `act(path, body)` asks the station; `signedIn()` follows a sign-in. */
  constructor({ act, signedIn }) {
    this.#act = act;
    this.#signedIn = signedIn;
    for (const dialog of document.querySelectorAll("dialog")) this.#prepare(dialog);
    this.#submit("sign-in", (data) => this.#enter(data));
    this.#submit("decide", (data) => this.#decide(data));
    this.#submit("choose", () => this.#act("trial"));
  }

  get open() {
    return document.querySelector("dialog[open]") !== null;
  }

  ask(what, station) {
    if (what === "sign-in") this.signIn();
    else if (what === "trial") this.#choose("trial", []);
    else this.#askTwo(what, station);
  }

  signIn(first = "") {
    if ($("sign-in").open) return;
    this.#show("sign-in");
    const badge = $("sign-in").querySelector("[name=badge]");
    badge.value = first;
    badge.focus();
  }

  chooseOrder(station) {
    const buttons = station.orders.map((id) => {
      const button = make("button", { type: "button", class: "quiet" }, id);
      button.setAttribute("aria-pressed", String(id === station.order?.id));
      button.addEventListener("click", () => this.#send($("choose"), () => this.#act("order", { order: id })));
      return button;
    });
    this.#choose("order", buttons);
  }

  /** The station has moved on: a dialog about a number that is settled by now goes away. */
  follow(station) {
    const gone = !station?.current || station.current.seq !== this.#seq || !OPEN_PHASES.includes(station.phase);
    if ($("decide").open && gone) $("decide").close();
  }

  /** In the language that is chosen now. */
  speak() {
    if (this.#what === "settle" || this.#what === "unlatch") this.#labelTwo();
    if (this.#what === "trial" || this.#what === "order") this.#labelChoose();
    for (const each of document.querySelectorAll("dialog .wrong")) each.textContent = "";
  }

  // -- two people

  #askTwo(what, station) {
    [this.#what, this.#seq] = [what, station.current?.seq ?? 0];
    this.#number = station.current?.text[0] ?? station.current?.uii ?? "";
    const reasons = REASONS.map((id) => {
      const chip = make("button", { type: "button", class: "chip", "data-t": `reason.${id}` });
      chip.addEventListener("click", () => {
        $("decide").querySelector("[name=reason]").value = t(`reason.${id}`);
      });
      return chip;
    });
    const hows = HOWS.map((how) => {
      const radio = make("input", { type: "radio", name: "how", value: how, required: "" });
      const words = make("span", {}, make("b", { "data-t": `how.${how}` }), make("small", { "data-t": `how-says.${how}` }));
      return make("label", { class: "choice" }, radio, words);
    });
    $("hows").replaceChildren(...(what === "settle" ? hows : []));
    $("hows").hidden = what !== "settle";
    $("reasons").replaceChildren(...reasons);
    this.#labelTwo();
    this.#show("decide");
  }

  #labelTwo() {
    $("decide-title").textContent = t(`dialog.${this.#what}`, { number: this.#number });
    $("decide-says").textContent = t(`dialog.${this.#what}-says`);
    for (const each of $("decide").querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  }

  async #decide(data) {
    const witnesses = [1, 2].map((n) => ({ badge: data.get(`badge-${n}`), pin: data.get(`pin-${n}`) }));
    const body = { reason: data.get("reason"), witnesses };
    if (this.#what === "settle") {
      if (!data.get("how")) throw new Declined("not-valid");
      body.how = data.get("how");
    }
    await this.#act(this.#what, body);
  }

  // -- signing in

  async #enter(data) {
    await post("sign-in", { badge: data.get("badge"), pin: data.get("pin") });
    this.#signedIn();
  }

  // -- trial, order

  #choose(what, buttons) {
    this.#what = what;
    $("choices").replaceChildren(...buttons);
    this.#labelChoose();
    this.#show("choose");
  }

  #labelChoose() {
    const trial = this.#what === "trial";
    $("choose-title").textContent = t(trial ? "dialog.trial" : "order.choose");
    $("choose-says").textContent = trial ? t("dialog.trial-says") : "";
    $("choose-yes").hidden = !trial;
  }

  // -- all of them

  #show(id) {
    const dialog = $(id);
    dialog.querySelector("form").reset();
    dialog.querySelector(".wrong").textContent = "";
    dialog.showModal();
  }

  #prepare(dialog) {
    for (const close of dialog.querySelectorAll("[data-close]")) {
      close.addEventListener("click", () => dialog.close());
    }
    // A PIN does not stay in a closed dialog.
    dialog.addEventListener("close", () => dialog.querySelector("form").reset());
    const inputs = [...dialog.querySelectorAll("input[name^=badge], input[name^=pin]")];
    // A scanner ends a badge with Enter: that goes to the next field, not to the button.
    for (const [index, input] of inputs.entries()) {
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !inputs[index + 1]) return;
        event.preventDefault();
        inputs[index + 1].focus();
      });
    }
    const keypad = dialog.querySelector(".keypad");
    if (keypad) this.#keys(keypad, inputs);
  }

  /** Digits for gloves and for a screen without a keyboard; they go where the cursor was last. */
  #keys(keypad, inputs) {
    let target = inputs[0];
    for (const input of inputs) input.addEventListener("focus", () => (target = input));
    for (const digit of DIGITS) {
      const key = make("button", { type: "button", class: "key" }, digit);
      if (digit === "") key.hidden = true;
      if (digit === "⌫") key.setAttribute("data-label", "do.delete");
      key.addEventListener("mousedown", (event) => event.preventDefault());
      key.addEventListener("click", () => {
        target.value = digit === "⌫" ? target.value.slice(0, -1) : target.value + digit;
        target.focus();
      });
      keypad.append(key);
    }
  }

  #submit(id, send) {
    $(id).querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send($(id), () => send(new FormData(event.target)));
    });
  }

  async #send(dialog, send) {
    const buttons = [...dialog.querySelectorAll(".buttons button, .list button")];
    const wrong = dialog.querySelector(".wrong");
    wrong.textContent = "";
    for (const button of buttons) button.disabled = true;
    try {
      await send();
      dialog.close();
    } catch (problem) {
      if (!(problem instanceof Declined)) throw problem;
      wrong.replaceChildren(icon("i-warn"), sentence(problem));
      for (const pin of dialog.querySelectorAll("input[type=password]")) pin.value = "";
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}
