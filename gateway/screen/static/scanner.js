// A scanner at the keyboard: characters that come faster than a hand types, ended by Enter.

const BETWEEN_MS = 100; // on average between two characters of a scan
const GAP_MS = 400; // after so long a new scan begins
const RECENT_MS = 500; // an Enter or a Space so soon after a character presses no button
const SHORTEST = 4;

class Scanner {
  #text = "";
  #first = 0;
  #last = 0;
  #ended = "";

  constructor() {
    // Before all other listeners: what they ask for is of this very key.
    document.addEventListener("keydown", (event) => this.#hear(event), true);
  }

  /** The text of the scan that this Enter ends; "" where it ends none. */
  get ended() {
    return this.#ended;
  }

  /** Whether somebody, or something, was typing a moment ago. */
  get recent() {
    return this.#last !== 0 && performance.now() - this.#last < RECENT_MS;
  }

  get #fast() {
    const { length } = this.#text;
    return length >= SHORTEST && (this.#last - this.#first) / (length - 1) < BETWEEN_MS;
  }

  #hear(event) {
    const now = event.timeStamp; // when the key was pressed, however busy this page was
    this.#ended = "";
    if (event.key === "Enter") {
      if (this.#fast && now - this.#last < GAP_MS) this.#ended = this.#text;
      this.#text = "";
      return;
    }
    if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && now - this.#last > GAP_MS) return; // a press, not a text
    if (!this.#text || now - this.#last > GAP_MS) [this.#text, this.#first] = ["", now];
    this.#text += event.key;
    this.#last = now;
  }
}

export const scanner = new Scanner();
