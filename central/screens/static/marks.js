// The table of marks: the newest on top, each changing in its place, and no more of them than a person
// can look through. When more arrive than are shown, it says so, and asks what became of those that it shows.

import { soon } from "./frames.js";
import { el, has, number, shape, t } from "./texts.js";
import { clockTime, day } from "./times.js";

const KEPT = 100;
const WAITING = 2 * KEPT; // for the next frame, which a page that nobody sees may wait for
const SAMPLED_MS = 10000; // so long after the last sample it is still said
const ASK_MS = 5000;
const REST_MS = 1000; // between two drawings of the table while it is a sample: each lays out all of it

const body = document.querySelector("#marks tbody");
const table = document.getElementById("marks");
const empty = document.getElementById("empty");
const filtered = document.getElementById("filtered");
const sample = document.getElementById("sampled");

/** Which states belong to a term of the balance: what is marked and not read is still open. */
const STATES = { open: ["open", "marked"] };

const component = (name) => t(name, "component");

function flags(mark) {
  const set = ["quarantined", "duplicated"].filter((name) => mark[name]);
  return set.map((name) => el("span", { class: "flag" }, shape("flag"), t(name, "flag")));
}

function pill(mark) {
  return el("span", { class: `g-tag state state-${mark.state}` }, shape(mark.state), t(mark.state, "state"));
}

function two(first, second) {
  return [el("div", {}, ...[first].flat()), el("div", { class: "sub" }, ...[second].flat())];
}

function cells(mark, today) {
  const at = mark.at ? new Date(mark.at) : null;
  const told = mark.state === "good" && mark.basis !== "read" ? t(mark.basis, "basis") : "";
  const marked = flags(mark);
  const what = [mark.model || t("unknown order"), mark.calibre].filter(Boolean).join(" · ");
  const order = mark.lot ? `${mark.order} · ${t("lot {name}", "", { name: mark.lot })}` : mark.order;
  const who = mark.operator ?? (mark.witnesses.join(", ") || "–");
  const under = marked.length ? marked : told;
  return [
    el("td", {}, el("div", {}, pill(mark)), ...(under.length ? [el("div", { class: "sub" }, ...[under].flat())] : [])),
    el("td", {}, ...two(
      el("a", { class: "serial", href: `/items/${mark.uii.split("/").map(encodeURIComponent).join("/")}`, title: mark.uii }, mark.serial),
      component(mark.component),
    )),
    el("td", { title: `${what} — ${order}` }, ...two(what, order)),
    el("td", {}, ...two(mark.record.gateway, mark.station ?? "–")),
    el("td", { class: "who", title: who }, el("div", {}, who)),
    el("td", { title: at ? `${day(at)} ${clockTime(at)}` : "" }, ...two(
      at ? clockTime(at) : "–",
      at && day(at) !== today ? day(at) : has(mark.type, "did-short") ? t(mark.type, "did-short") : "",
    )),
  ];
}

export class Marks {
  #known = new Map(); // what the table shows, by id
  #rows = new Map();
  #waiting = new Map(); // what it is to show in the next frame
  #filter = { state: null, order: null, gateway: null };
  #asked = 0;
  #samples = []; // of the last seconds
  #gaps = false; // since the last question something was not told
  #askedAt = 0;
  #busy = false;

  /** What is shown: everything, or one state, order or gateway. */
  filter(change) {
    Object.assign(this.#filter, change);
    const words = [
      this.#filter.state && t(this.#filter.state, "term"),
      this.#filter.order && t("order {name}", "", { name: this.#filter.order }),
      this.#filter.gateway && t("gateway {name}", "", { name: this.#filter.gateway }),
    ].filter(Boolean);
    filtered.querySelector("span").textContent = words.join(" · ");
    filtered.hidden = !words.length;
  }

  get filtering() {
    return this.#filter;
  }

  /** Show another choice, asking the server for what is older than this page. */
  async choose(change) {
    this.filter(change);
    const asked = ++this.#asked;
    const { state, order, gateway } = this.#filter;
    const found = [];
    for (const each of state ? (STATES[state] ?? [state]) : [null]) {
      const query = new URLSearchParams({ limit: KEPT });
      for (const [name, value] of Object.entries({ state: each, order, gateway })) {
        if (value) query.set(name, value);
      }
      found.push(...(await this.#answer(`/feed/marks?${query}`)));
    }
    if (asked === this.#asked) this.#begin([...this.#known.values(), ...this.#waiting.values(), ...found]);
  }

  reset(marks) {
    this.#known.clear();
    this.#waiting.clear();
    const { state, order, gateway } = this.#filter;
    if (state || order || gateway) this.choose({});
    else this.#begin(marks);
  }

  take(marks) {
    for (const mark of marks) this.#await(mark);
    if (this.#waiting.size > WAITING) {
      const old = [...this.#waiting.keys()].sort((a, b) => a - b).slice(0, this.#waiting.size - KEPT);
      for (const id of old) this.#waiting.delete(id);
      this.#gaps = true;
    }
    soon(this.#draw, this.#busy ? REST_MS : 0);
  }

  /** Only so many of so many marks were told. */
  sampled({ told, of }) {
    this.#samples.push({ at: performance.now(), told, of });
    this.#gaps = true;
    this.tick();
  }

  /** Each second: say whether it is a sample that is shown, and see after the rows' truth. */
  tick() {
    const present = performance.now();
    this.#samples = this.#samples.filter(({ at }) => present - at < SAMPLED_MS);
    const sum = (name) => this.#samples.reduce((all, each) => all + each[name], 0);
    const words = this.#samples.length
      ? t("shown: 1 of {n}; the counts are of all", "", { n: number(Math.max(2, Math.round(sum("of") / Math.max(1, sum("told"))))) })
      : "";
    if (sample.textContent !== words) sample.textContent = words;
    sample.hidden = !words;
    this.#busy = words !== "";
    document.body.toggleAttribute("data-busy", this.#busy);
    if (this.#gaps && present - this.#askedAt > ASK_MS && !document.hidden) {
      this.#askedAt = present;
      this.#gaps = false;
      this.#askAgain();
    }
  }

  async #askAgain() {
    if (this.#known.size === 0) return;
    const query = new URLSearchParams([...this.#known.keys()].map((id) => ["id", id]));
    this.take((await this.#answer(`/feed/marks/these?${query}`)).filter(({ id }) => this.#known.has(id)));
  }

  async #answer(path) {
    try {
      const response = await fetch(path);
      if (response.ok) return await response.json();
    } catch {
      // what is known already is shown; the stream says that the server is away
    }
    return [];
  }

  /** An older word never replaces a newer one. */
  #await(mark) {
    const before = this.#waiting.get(mark.id) ?? this.#known.get(mark.id);
    if (!before || before.changed <= mark.changed) this.#waiting.set(mark.id, mark);
  }

  #fits(mark) {
    const { state, order, gateway } = this.#filter;
    return (
      (!state || (STATES[state] ?? [state]).includes(mark.state)) &&
      (!order || mark.order === order) &&
      (!gateway || mark.record.gateway === gateway)
    );
  }

  /** The table anew, with these marks. */
  #begin(marks) {
    this.#known.clear();
    this.#waiting.clear();
    this.#rows.clear();
    body.replaceChildren();
    for (const mark of marks) this.#await(mark);
    this.#draw({ fresh: false });
  }

  #draw = ({ fresh = true } = {}) => {
    const fitting = [...this.#waiting.values()].filter((mark) => this.#fits(mark));
    const ids = new Set([...this.#known.keys(), ...fitting.map(({ id }) => id)]);
    const oldest = [...ids].sort((a, b) => b - a)[KEPT - 1] ?? 0;
    for (const id of this.#waiting.keys()) if (!this.#fits(this.#waiting.get(id))) this.#drop(id);
    for (const mark of fitting) {
      if (mark.id < oldest) continue;
      const before = this.#known.get(mark.id);
      this.#known.set(mark.id, mark);
      this.#place(mark, before, fresh);
    }
    this.#waiting.clear();
    while (this.#rows.size > KEPT) this.#drop(Number(body.lastElementChild.dataset.id));
    const { state, order, gateway } = this.#filter;
    empty.hidden = this.#rows.size > 0 || Boolean(state || order || gateway);
    table.hidden = !empty.hidden;
  };

  #drop(id) {
    this.#known.delete(id);
    this.#rows.get(id)?.remove();
    this.#rows.delete(id);
  }

  #place(mark, before, fresh) {
    let row = this.#rows.get(mark.id);
    if (!row) {
      row = el("tr", { "data-id": mark.id, class: fresh && !this.#busy ? "fresh" : null });
      this.#rows.set(mark.id, row);
      let next = body.firstElementChild;
      while (next && Number(next.dataset.id) > mark.id) next = next.nextElementSibling;
      body.insertBefore(row, next);
    } else if (JSON.stringify(before) === JSON.stringify(mark)) return;
    else if (before.state !== mark.state && !this.#busy) {
      row.classList.remove("changed");
      void row.offsetWidth; // begins the animation anew
      row.classList.add("changed");
    }
    const focused = row.contains(document.activeElement);
    row.dataset.state = mark.state;
    row.replaceChildren(...cells(mark, day(new Date())));
    if (focused) row.querySelector("a").focus({ preventScroll: true });
  }
}
