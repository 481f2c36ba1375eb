// What will be engraved as the gateway draws it, what was read in its place, and how far it is.

import { icon, make, put } from "./elements.js";
import { language, t, visible } from "./texts.js";

const TICK_MS = 200;
const MARKING = ["arming", "firing", "waiting", "inspecting", "recording", "disarming"];
const NEARLY = 0.95; // the marker alone says when it is done

/** The drawing; in its place, once the part may be marked, what was read of it. */
export function renderPlate(plate, drawing, read) {
  plate.hidden = drawing === null && read === null;
  plate.classList.toggle("heard", drawing === null);
  if (drawing) put(plate, [picture(drawing)], `${language()} ${JSON.stringify(drawing)}`);
  else put(plate, read ? heard(read) : [], `${language()} ${JSON.stringify(read)}`);
}

function picture({ content, lines }) {
  const asked = new URLSearchParams([["content", content], ...lines.map((line) => ["line", line])]);
  const image = make("img", { src: `api/drawing.svg?${asked}`, draggable: "false" });
  image.alt = t("drawing.says", { text: [...lines, visible(content)].join(" · ") });
  return image;
}

/** What the camera saw. The verdict lies over the symbol's middle, so that no reader in somebody's
    hand finds on the screen what it has to find on the part. */
function taken({ name, verdict }) {
  const image = make("img", { src: `api/pictures/${name}`, draggable: "false" });
  image.alt = t("picture.says", { verdict: t(`picture.${verdict}`) });
  return make("figure", { class: `taken ${verdict}` }, image, make("figcaption", { "aria-hidden": "true" }, t(`picture.${verdict}`)));
}

function heard({ done, content, grade, picture }) {
  if (!done) return [icon("i-read"), make("p", { class: "code" }, t("read.soon"))];
  const parts = picture ? [taken(picture)] : [];
  parts.push(make("p", { class: "label" }, t("fact.content")));
  parts.push(make("p", { class: "code" }, content ? visible(content) : t("read.nothing")));
  if (grade) parts.push(make("p", { class: "grade" }, `${t("fact.grade")} ${grade}`));
  return parts;
}

/** How long the marker has been at work, against how long the last parts took. */
export class Progress {
  #place;
  #station = null;
  #offset = 0;
  #bar = make("progress");
  #words = make("span");

  constructor(place) {
    this.#place = place;
    place.append(this.#bar, this.#words);
    setInterval(() => this.#draw(), TICK_MS);
  }

  /** `offset`: how far the gateway's clock is ahead of this browser's, in ms. */
  follow(station, offset) {
    this.#station = station;
    this.#offset = offset;
    this.#draw();
  }

  #draw() {
    const station = this.#station;
    const part = station?.parts.find((each) => each.seq === station.current?.seq);
    // Where the device's own input fires, nobody knows when it will.
    const shown = !!part && MARKING.includes(station.phase) && station.start === "operator";
    this.#place.hidden = !shown;
    if (!shown) return;
    const took = station.parts.map((each) => each.took).filter((each) => each !== null).sort((a, b) => a - b);
    const usual = took[took.length >> 1];
    const gone = Math.max(0, (Date.now() + this.#offset - Date.parse(part.at)) / 1000);
    if (usual) this.#bar.value = Math.min(gone / usual, NEARLY);
    else this.#bar.removeAttribute("value");
    this.#bar.setAttribute("aria-label", t("phase.waiting"));
    const seconds = Math.round(gone);
    const text = usual ? t("progress.of", { seconds, usual: Math.max(1, Math.round(usual)) }) : t("progress.for", { seconds });
    if (this.#words.textContent !== text) this.#words.textContent = text;
  }
}
