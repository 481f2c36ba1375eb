// Tells a keyboard wedge from a person: both are keys, and only one of them is so fast. Pure.

/** A key later than this begins another text. */
const PAUSE_MS = 1_000;
/** No hand holds this between keys, on the average. */
const FAST_MS = 50;
const SHORTEST = 4;
/** Control characters as wedges send them: Ctrl and a key. ISO/IEC 15434 needs GS, RS and EOT. */
const CONTROL: Record<string, string> = { "]": "\x1d", "^": "\x1e", "6": "\x1e", d: "\x04", D: "\x04" };

export interface Key {
  key: string;
  control: boolean;
  at: number;
}

/** What a key has ended. `fast`: no hand typed it. */
export interface Ended {
  text: string;
  fast: boolean;
}

export class Wedge {
  private text = "";
  private first = 0;
  private last = 0;

  /** What this key ends, if anything; whether a text begins with it. */
  press({ key, control, at }: Key): { ended: Ended | null; begins: boolean } {
    if (at - this.last > PAUSE_MS) this.text = "";
    if (key === "Enter" || key === "Tab") {
      const ended = this.text === "" ? null : { text: this.text, fast: this.isFast };
      this.text = "";
      return { ended, begins: false };
    }
    const character = control ? CONTROL[key] : key.length === 1 ? key : undefined;
    if (character === undefined) return { ended: null, begins: false };
    const begins = this.text === "";
    if (begins) this.first = at;
    this.text += character;
    this.last = at;
    return { ended: null, begins };
  }

  /** Whether what came so far came too fast for a hand. */
  get isFast(): boolean {
    const pace = (this.last - this.first) / Math.max(1, this.text.length - 1);
    return this.text.length >= SHORTEST && pace < FAST_MS;
  }
}
