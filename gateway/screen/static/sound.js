// Short tones for how a part ended, beside the words, the shape and the colour; they can be muted.

import { icon, put } from "./elements.js";
import { t } from "./texts.js";

const KEPT = "gjurma_mute";
const VOLUME = 0.25;
const RAMP_S = 0.012; // no click at a tone's ends

// By tone of the view: [Hz, from, to] in seconds. Rising is good, low and twice is set aside,
// to and fro asks for a person, falling says that the station has stopped.
const TUNES = {
  good: [[660, 0, 0.09], [990, 0.1, 0.26]],
  bad: [[180, 0, 0.22], [180, 0.3, 0.62]],
  ask: [[740, 0, 0.14], [520, 0.16, 0.3], [740, 0.32, 0.46]],
  alarm: [[880, 0, 0.2], [440, 0.22, 0.5], [880, 0.52, 0.72], [440, 0.74, 1]],
  stopped: [[440, 0, 0.16], [330, 0.18, 0.44]],
};

export class Sounds {
  #button;
  #context = null;
  #before = null;
  #muted = localStorage.getItem(KEPT) === "1";

  constructor(button) {
    this.#button = button;
    button.addEventListener("click", (event) => {
      if (event.detail) button.blur();
      this.#mute(!this.#muted);
    });
    // A browser lets a page sound only after somebody has touched it.
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => this.#wake());
    this.speak();
  }

  speak() {
    const label = t(this.#muted ? "sound.off" : "sound.on");
    put(this.#button, [icon(this.#muted ? "i-mute" : "i-sound")]);
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
    this.#button.setAttribute("aria-pressed", String(!this.#muted));
  }

  /** Sound what is new at the station that is shown; what was so when the page opened is not. */
  hear(station, shown, snapshot) {
    const newest = station?.parts.find((part) => part.state !== "open");
    const now = `${station?.name} ${shown.tone} ${shown.word} ${newest?.seq} ${station?.cycles} ${snapshot.boot}`;
    const same = this.#before === null || this.#before === now || this.#before.split(" ")[0] !== now.split(" ")[0];
    this.#before = now;
    if (!same) this.#play(TUNES[shown.tone]);
  }

  #mute(muted) {
    this.#muted = muted;
    localStorage.setItem(KEPT, muted ? "1" : "0");
    this.speak();
    if (!muted) this.#play(TUNES.good);
  }

  #wake() {
    this.#context ??= new AudioContext();
    if (this.#context.state === "suspended") void this.#context.resume();
  }

  #play(tune) {
    if (this.#muted || !tune || this.#context?.state !== "running") return;
    const start = this.#context.currentTime;
    for (const [frequency, from, to] of tune) {
      const tone = new OscillatorNode(this.#context, { type: "triangle", frequency });
      const gain = new GainNode(this.#context, { gain: 0 });
      gain.gain.setValueAtTime(0, start + from);
      gain.gain.linearRampToValueAtTime(VOLUME, start + from + RAMP_S);
      gain.gain.setValueAtTime(VOLUME, start + to - RAMP_S);
      gain.gain.linearRampToValueAtTime(0, start + to);
      tone.connect(gain).connect(this.#context.destination);
      tone.start(start + from);
      tone.stop(start + to);
    }
  }
}
