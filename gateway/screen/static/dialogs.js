// Dialogs: signing in, two people deciding, a choice of a list, and one thing to be typed.

import { toBegin } from "./actions.js";
import { Decide } from "./decide.js";
import { Declined, keep, post } from "./gateway.js";
import { icon, make } from "./elements.js";
import { PART_SHAPES } from "./number.js";
import { scanner } from "./scanner.js";
import { Shift, reportRows } from "./shift.js";
import { checkedSpots, spots } from "./spots.js";
import { componentName, sentence, t } from "./texts.js";

const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "⌫"];
// What a scanner at the keyboard sends for the characters that part a symbol's elements.
const CONTROLS = { "]": "\u001d", "^": "\u001e", "\\": "\u001c", d: "\u0004" };
const TYPED_PHASES = ["set-aside", "read-blocked"];

const $ = (id) => document.getElementById(id);

export class Dialogs {
  #act;
  #signedIn;
  #decide;
  #shift;
  #what = "";
  #places = {};
  #seq = 0;
  #begins = {};
  #scanned = false;

  /** `act(path, body)` asks the station; `signedIn()` follows a sign-in. */
  constructor({ act, signedIn }) {
    this.#act = act;
    this.#signedIn = signedIn;
    this.#decide = new Decide({ act, show: (id) => this.#show(id) });
    this.#shift = new Shift({
      act: async (path, body) => {
        await act(path, body);
        signedIn(); // nobody is, from here on
      },
      show: (id) => this.#show(id),
      reports: (station) => this.#reports(station),
    });
    for (const dialog of document.querySelectorAll("dialog")) this.#prepare(dialog);
    $("ask").querySelector("[name=value]").addEventListener("keydown", control);
    this.#submit("sign-in", (data) => this.#enter(data));
    this.#submit("decide", (data) => this.#decide.send(data));
    this.#submit("shift", (data) => this.#shift.send(data));
    this.#submit("ask", (data) => this.#answer(data));
    this.#submit("choose", () => this.#act("trial", this.#begins));
  }

  get open() {
    return document.querySelector("dialog[open]") !== null;
  }

  ask(what, station) {
    if (what === "sign-in") this.signIn();
    else if (what === "trial") {
      this.#begins = toBegin(station);
      this.#choose("trial", []);
    } else if (what === "earlier") this.#earlier(station);
    else if (what === "shift") this.#shift.ask(station);
    else if (what === "reports") this.#reports(station);
    else if (what === "first-piece") this.#decide.askFirst(station);
    else if (["settle", "unlatch"].includes(what)) this.#decide.ask(what, station);
    else this.#askOne(what, station);
  }

  signIn(first = "") {
    if ($("sign-in").open) return;
    this.#show("sign-in");
    this.#scanned = false;
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

  /** What is seldom needed; `press(action)` does what is chosen. */
  more(actions, press) {
    const buttons = actions.map((action) => {
      const words = make("span", { "data-t": action.label }, t(action.label));
      const button = make("button", { type: "button", class: "quiet words", "data-action": action.id }, icon(action.icon), words);
      button.addEventListener("click", () => {
        $("choose").close();
        press(action);
      });
      return button;
    });
    this.#choose("more", buttons);
  }

  /** The station has moved on: a dialog about what is over by now goes away. */
  follow(station) {
    this.#decide.follow(station);
    this.#shift.follow(station);
    const asked = $("ask").open && ["type", "illegible"].includes(this.#what);
    const here = TYPED_PHASES.includes(station?.phase) || station?.phase === "judging";
    if (asked && (!here || station.current?.seq !== this.#seq)) $("ask").close();
  }

  /** In the language that is chosen now. */
  speak() {
    this.#decide.speak();
    if ($("shift").open) this.#shift.speak();
    if ($("ask").open) this.#labelAsk();
    if ($("choose").open) this.#labelChoose();
    for (const each of document.querySelectorAll("dialog .wrong")) each.textContent = "";
  }

  // -- signing in

  async #enter(data) {
    const [badge, pin] = [data.get("badge"), data.get("pin")];
    await post("sign-in", pin || !this.#scanned ? { badge, pin } : { badge });
    this.#signedIn();
  }

  /** The keys and what they do: see `keys.js`. */
  showKeys(rows) {
    const row = ([keys, label]) => [make("dt", {}, ...keys.map((key) => make("kbd", {}, key))), make("dd", { "data-t": label }, t(label))];
    $("keymap").replaceChildren(...rows.flatMap(row));
    this.#show("keys");
  }

  // -- one thing to be typed, or the places that it is about

  #askOne(what, station) {
    [this.#what, this.#seq, this.#begins] = [what, station.current?.seq ?? 0, toBegin(station)];
    this.#places = { most: station.order?.contents ?? "" };
    const due = (station.current?.places ?? []).filter((place) => place.due && !place.unknown);
    const isAmount = what === "quantity";
    this.#show("ask");
    spots($("ask-spots"), ["type", "illegible"].includes(what) ? due : [], what === "type" ? "radio" : "checkbox");
    $("ask").querySelector(".columns").hidden = what === "illegible";
    $("ask").querySelector(".keypad").hidden = !isAmount;
    $("ask").querySelector("[name=value]").inputMode = isAmount ? "numeric" : "text";
    this.#labelAsk();
    if (what !== "illegible") $("ask").querySelector("[name=value]").focus();
  }

  #labelAsk() {
    $("ask-title").textContent = t(`dialog.${this.#what}`, this.#places);
    $("ask-says").textContent = t(`dialog.${this.#what}-says`);
    $("ask-label").textContent = t(this.#what === "quantity" ? "field.quantity" : "field.typed");
  }

  async #answer(data) {
    const value = data.get("value").trim();
    if (this.#what === "illegible") {
      await this.#act("judge", { intent: this.#seq, legible: true, illegible: checkedSpots(data) });
      return;
    }
    if (!value) throw new Declined("not-valid");
    if (this.#what === "quantity") {
      if (!/^\d+$/.test(value)) throw new Declined("wrong-quantity");
      await this.#act("begin", { ...this.#begins, quantity: Number(value) });
    } else if (this.#what === "type") {
      const [position] = checkedSpots(data);
      await this.#act("type", { intent: this.#seq, content: value, position });
    } else await this.#act("check", { content: value });
  }

  // -- one of a list

  #earlier(station) {
    const buttons = station.parts.filter((part) => part.settle).map((part) => {
      const words = make("span", {}, `${componentName(part.component)} ${part.serial}`);
      const state = make("small", { "data-t": `part.${part.state}` }, t(`part.${part.state}`));
      const button = make("button", { type: "button", class: "quiet" }, icon(PART_SHAPES[part.state] ?? "i-open"), words, state);
      button.addEventListener("click", () => {
        $("choose").close();
        this.#decide.askEarlier(part);
      });
      return button;
    });
    this.#choose("earlier", buttons);
  }

  #reports(station) {
    this.#choose("reports", reportRows(station, (address) => this.#tried($("choose"), () => keep(address))));
  }

  #choose(what, buttons) {
    this.#what = what;
    $("choices").replaceChildren(...buttons);
    $("choices").className = buttons.length > 5 && what !== "reports" ? "list two" : "list";
    this.#labelChoose();
    this.#show("choose");
  }

  #labelChoose() {
    const what = this.#what;
    $("choose-title").textContent = t(what === "order" ? "order.choose" : `dialog.${what}`);
    $("choose-says").textContent = ["trial", "earlier", "reports"].includes(what) ? t(`dialog.${what}-says`) : "";
    const close = $("choose").querySelector("[data-close]");
    close.dataset.t = what === "reports" ? "do.close" : "do.cancel";
    close.textContent = t(close.dataset.t);
    $("choose-yes").hidden = what !== "trial";
    for (const each of $("choices").querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
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
    // A PIN does not stay in a closed dialog. The event comes late: a badge that was scanned right
    // after Escape may have opened it again.
    dialog.addEventListener("close", () => dialog.open || dialog.querySelector("form").reset());
    const inputs = [...dialog.querySelectorAll("input[name^=badge], input[name^=pin], input[name=value]")];
    // A scanner ends a badge with Enter: that goes to the next field, not to the button.
    for (const [index, input] of inputs.entries()) {
      input.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || !inputs[index + 1]) return;
        event.preventDefault();
        inputs[index + 1].focus();
        if (dialog.id !== "sign-in" || input.name !== "badge" || !scanner.ended) return;
        this.#scanned = true; // a badge alone is enough, unless the gateway says otherwise
        dialog.querySelector("form").requestSubmit();
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
    if (await this.#tried(dialog, send)) dialog.close();
  }

  /** Whether it was done; if not, the dialog says why. */
  async #tried(dialog, act) {
    const buttons = [...dialog.querySelectorAll(".buttons button, .list button")];
    const wrong = dialog.querySelector(".wrong");
    wrong.textContent = "";
    for (const button of buttons) button.disabled = true;
    try {
      await act();
      return true;
    } catch (problem) {
      if (!(problem instanceof Declined)) throw problem;
      this.#scanned = false;
      wrong.replaceChildren(icon("i-warn"), sentence(problem));
      for (const pin of dialog.querySelectorAll("input[type=password]")) pin.value = "";
      // The button that was disabled has lost the focus: what is missing gets it.
      const missing = [...dialog.querySelectorAll("input[required]")].find((each) => each.value === "" && each.offsetParent);
      if (dialog.open) missing?.focus();
      return false;
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}

/** A scanner's control characters are text here, and no shortcut of the browser. */
function control(event) {
  const character = event.ctrlKey ? CONTROLS[event.key.toLowerCase()] : undefined;
  if (character === undefined) return;
  event.preventDefault();
  event.target.setRangeText(character, event.target.selectionStart, event.target.selectionEnd, "end");
}
