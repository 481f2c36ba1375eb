// The gateway as the page reaches it: a stream of snapshots that comes back by itself, and buttons.

const SILENCE_MS = 12000; // the gateway speaks every 5 s, so this long without a word is a loss
const REOPEN_MS = 1000;
const ANSWER_MS = 15000;
const FILE_MS = 120000; // a file may have to be made first

/** What the gateway answered when it declined: a code of the catalogues, and its facts. */
export class Declined extends Error {
  constructor(code, facts = {}) {
    super(code);
    this.code = code;
    this.facts = facts;
  }
}

export async function post(path, body = {}) {
  const headers = { "Content-Type": "application/json" };
  await answered(`api/${path}`, ANSWER_MS, { method: "POST", headers, body: JSON.stringify(body) });
}

/** A file of the gateway's, to be kept; where it declines, it is not taken for a file. */
export async function keep(address) {
  const response = await answered(address, FILE_MS);
  const file = await response.blob().catch(() => {
    throw new Declined("unreachable");
  });
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition")) ?? [];
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: name ?? "" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), ANSWER_MS);
}

async function answered(address, patience, request = {}) {
  const signal = AbortSignal.timeout(patience);
  const response = await fetch(address, { ...request, signal }).catch(() => {
    throw new Declined("unreachable");
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Declined(problem.code ?? "unreachable", problem.facts);
}

export const stationPath = (name, what) => `stations/${encodeURIComponent(name)}/${what}`;

/** Calls `seen(snapshot)` for each snapshot and `lost()` as soon as none can come. */
export class Stream {
  #source = null;
  #silence = 0;
  #reopening = 0;

  constructor(seen, lost) {
    this.seen = seen;
    this.lost = lost;
    this.open();
  }

  /** Begin anew: after a sign-in the gateway knows this page by another session. */
  open() {
    this.#source?.close();
    clearTimeout(this.#reopening);
    const source = (this.#source = new EventSource("api/stream"));
    source.addEventListener("snapshot", (event) => {
      if (source !== this.#source) return;
      this.#listen();
      this.seen(JSON.parse(event.data));
    });
    source.addEventListener("error", () => {
      if (source === this.#source) this.#broke();
    });
    this.#listen();
  }

  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#broke(), SILENCE_MS);
  }

  #broke() {
    this.#source.close();
    clearTimeout(this.#silence);
    this.lost();
    this.#reopening = setTimeout(() => this.open(), REOPEN_MS);
  }
}
