// The table of marks: the newest on top, each changing in its place.

import { now } from "./header.js";
import { clockTime, day, el, has, number, shape, t } from "./texts.js";

const KEPT = 250;
const RATE_MS = 60000;

const body = document.querySelector("#marks tbody");
const table = document.getElementById("marks");
const empty = document.getElementById("empty");
const filtered = document.getElementById("filtered");
const rate = document.getElementById("rate");

/** Which states belong to a term of the balance: what is marked and not read is still open. */
const STATES = { open: ["open", "marked"] };

/** Its time on the page; one whose gateway gave none counts from its arrival in the register. */
const time = (mark) => Date.parse(mark.at ?? mark.received);

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
  #known = new Map();
  #rows = new Map();
  #filter = { state: null, order: null, gateway: null };
  #asked = 0;

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
      try {
        const response = await fetch(`/feed/marks?${query}`);
        if (response.ok) found.push(...(await response.json()));
      } catch {
        // what is known already is shown; the stream says that the server is away
      }
    }
    if (asked !== this.#asked) return;
    for (const mark of found) this.#keep(mark);
    this.#draw();
  }

  reset(marks) {
    this.#known.clear();
    for (const mark of marks) this.#keep(mark);
    const { state, order, gateway } = this.#filter;
    if (state || order || gateway) this.choose({});
    else this.#draw();
  }

  take(marks) {
    for (const mark of marks) {
      const before = this.#known.get(mark.id);
      if (!this.#keep(mark)) continue;
      this.#place(mark, before);
    }
    this.#prune();
    this.#told();
  }

  /** An older word never replaces a newer one. */
  #keep(mark) {
    const before = this.#known.get(mark.id);
    if (before && before.changed > mark.changed) return false;
    this.#known.set(mark.id, mark);
    return true;
  }

  #fits(mark) {
    const { state, order, gateway } = this.#filter;
    return (
      (!state || (STATES[state] ?? [state]).includes(mark.state)) &&
      (!order || mark.order === order) &&
      (!gateway || mark.record.gateway === gateway)
    );
  }

  #place(mark, before) {
    let row = this.#rows.get(mark.id);
    if (!this.#fits(mark)) {
      row?.remove();
      this.#rows.delete(mark.id);
      return;
    }
    if (!row) {
      row = el("tr", { "data-id": mark.id, class: before ? null : "fresh" });
      this.#rows.set(mark.id, row);
      let next = body.firstElementChild;
      while (next && Number(next.dataset.id) > mark.id) next = next.nextElementSibling;
      body.insertBefore(row, next);
    } else if (before && before.state !== mark.state) {
      row.classList.remove("changed");
      void row.offsetWidth; // begins the animation anew
      row.classList.add("changed");
    }
    const focused = row.contains(document.activeElement);
    row.dataset.state = mark.state;
    row.replaceChildren(...cells(mark, day(new Date())));
    if (focused) row.querySelector("a").focus({ preventScroll: true });
  }

  #draw() {
    this.#rows.clear();
    body.replaceChildren();
    const shown = [...this.#known.values()].filter((mark) => this.#fits(mark)).sort((a, b) => b.id - a.id).slice(0, KEPT);
    for (const mark of shown) {
      const row = el("tr", { "data-id": mark.id, "data-state": mark.state }, ...cells(mark, day(new Date())));
      this.#rows.set(mark.id, row);
      body.append(row);
    }
    this.#told();
  }

  #prune() {
    while (this.#rows.size > KEPT) {
      const last = body.lastElementChild;
      this.#rows.delete(Number(last.dataset.id));
      last.remove();
    }
    if (this.#known.size > 4 * KEPT) {
      const old = [...this.#known.keys()].sort((a, b) => a - b).slice(0, this.#known.size - 2 * KEPT);
      for (const id of old) if (!this.#rows.has(id) && !this.#isRecent(id)) this.#known.delete(id);
    }
  }

  #told() {
    const none = this.#rows.size === 0;
    const { state, order, gateway } = this.#filter;
    empty.hidden = !none || Boolean(state || order || gateway);
    table.hidden = !empty.hidden;
    this.tick();
  }

  /** Within the last minute; a gateway's clock may be a little ahead of the server's. */
  #isRecent(id) {
    return Math.abs(now() - time(this.#known.get(id))) < RATE_MS;
  }

  /** How many have a time of their own within the last minute, whenever this page was opened. */
  tick() {
    const recent = [...this.#known.keys()].filter((id) => this.#isRecent(id)).length;
    rate.textContent = recent ? t("{n} in the last minute", "", { n: number(recent) }) : "";
  }
}
