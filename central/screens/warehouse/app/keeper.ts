// The device at work: keeps each scan at once, and sends, asks and learns whenever there is a network.

import { type Scan, scanned, type Setting, type Task } from "./record.ts";
import * as register from "./register.ts";
import { Refused, Unreachable } from "./register.ts";
import { Sender } from "./sender.ts";
import {
  amend,
  append,
  type Database,
  type Device,
  type Dispute,
  type Kept,
  lastSeq,
  type Named,
  tell,
  told,
  type Work,
} from "./store.ts";

const AGAIN_MS = 10 * 60_000;
/** By more than this a clock is told to be wrong: the register believes no scan of the future. */
const WRONG_CLOCK_MS = 5 * 60_000;
const IDLE_MS = 30_000;
const JUDGING_MS = 1_500;
const LONGEST_MS = 60_000;
const MOST_CODES = 100;
/** So many records back it asks again: an alert may stand on a scan that was judged before. */
const BACK = 500;

export type Link = "offline" | "sending" | "online" | "ended";

export interface State {
  link: Link;
  last: number;
  committed: number;
  judged: number;
  /** Why it ends: a latch, or `replaced`, where the register has a newer epoch. */
  ended: string | null;
  /** Why the last attempt to send failed, where that was not for want of a network. */
  fault: string | null;
  /** By how many minutes the clock is wrong, where that matters. */
  clock: number;
  work: Work | null;
  disputes: Dispute[];
}

export class Keeper {
  state: State;
  operator: string | undefined;
  private readonly names = new Map<string, Named>();
  /** Codes to ask for, each with the record that has to be judged before. */
  private readonly wanted = new Map<string, number>();
  /** By the clock that nobody sets. */
  private asked = Number.NEGATIVE_INFINITY;
  private wake: () => void = () => undefined;
  private poked = false;
  private failures = 0;

  private constructor(
    private readonly database: Database,
    private readonly sender: Sender,
    private readonly changed: () => void,
    work: Work | null,
    last: number,
    disputes: Dispute[],
  ) {
    const { committed, judged, latch } = sender.device;
    const link: Link = latch ? "ended" : navigator.onLine ? "online" : "offline";
    const none = { fault: null, clock: 0 };
    this.state = { link, last, committed, judged, ended: latch, work, disputes, ...none };
  }

  static async started(database: Database, device: Device, changed: () => void): Promise<Keeper> {
    const sender = new Sender(database, device);
    const work = (await told<Work>(database, "work")) ?? null;
    const disputes = await database.getAll("disputes");
    const keeper = new Keeper(database, sender, changed, work, await lastSeq(database), disputes);
    for (const each of await database.getAll("names")) keeper.names.set(each.code, each);
    keeper.operator = await told<string>(database, "operator");
    addEventListener("online", () => keeper.retry());
    addEventListener("offline", () => keeper.set({ link: "offline" }));
    document.addEventListener("visibilitychange", () => !document.hidden && keeper.retry());
    return keeper;
  }

  get device(): Device {
    return this.sender.device;
  }

  async signIn(operator: string | undefined): Promise<void> {
    this.operator = operator;
    await tell(this.database, "operator", operator);
    this.changed();
  }

  /** Keep a scan; it is on the disk when this returns. Throws `QuotaExceededError` on a full one, and
   *  where the device has ended: it would reach no register. */
  async keep(task: Task, scan: Scan, setting: Setting): Promise<Kept> {
    if (this.state.ended) throw new Error("the device has ended");
    const author = { clock: this.sender.clock, operator: this.operator };
    const make = scanned(author, task, scan, setting);
    const shown = { task, code: scan.code, way: scan.way, setting, at: Date.now() };
    const of = this.operator ? { operator: this.operator } : {};
    const kept = await append(this.database, make, { ...shown, ...of });
    if (task === "find" || this.names.get(scan.code)?.known !== "own") {
      this.wanted.set(scan.code, kept.seq);
    }
    this.set({ last: kept.seq });
    this.poke();
    return kept;
  }

  named(code: string): Named | undefined {
    return this.names.get(code);
  }

  /** What disputes a scan was shown to somebody. */
  async acknowledge(dispute: Dispute): Promise<void> {
    await this.database.put("disputes", { ...dispute, seen: true });
    this.set({ disputes: await this.database.getAll("disputes") });
  }

  /** Ask anew what comes and goes: somebody is about to choose of it. */
  look(): void {
    this.asked = Number.NEGATIVE_INFINITY;
    this.poke();
  }

  /** There is something to do; a register that did not answer is not asked again for each scan. */
  private poke(): void {
    this.poked = this.failures === 0;
    if (this.poked) this.wake();
  }

  /** There is a network again. */
  retry(): void {
    this.failures = 0;
    this.poke();
  }

  /** For as long as the page is there, or the device: a latch is for good, and what else ends one is
   *  asked after again. */
  async run(): Promise<void> {
    while (!this.device.latch) {
      this.poked = false;
      const wait = await this.attempt();
      if (this.poked && !this.state.ended) continue;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  /** One turn; how long to wait for the next. */
  private async attempt(): Promise<number> {
    try {
      await this.turn();
      this.failures = 0;
      const ended = this.device.latch;
      const { judged, committed } = this.state;
      this.set({ link: ended ? "ended" : "online", ended, fault: null });
      return judged < committed ? JUDGING_MS : IDLE_MS;
    } catch (error) {
      this.failures += 1;
      this.asked = Number.NEGATIVE_INFINITY;
      if (error instanceof Refused && error.code === "bad-signature") {
        this.set({ link: "ended", ended: "replaced" });
        return AGAIN_MS;
      }
      // Of the store, too: what was kept is sent when there is room again for the receipt.
      this.set({ link: "offline", fault: error instanceof Unreachable ? null : String(error) });
      const backoff = Math.min(LONGEST_MS, 1_000 * 2 ** Math.min(this.failures, 6));
      return backoff * (0.5 + Math.random() / 2);
    }
  }

  private async turn(): Promise<void> {
    const due = performance.now() - this.asked > AGAIN_MS;
    if (due || this.sender.device.committed < (await lastSeq(this.database))) {
      this.set({ link: "sending" });
      await this.sender.send(() => this.set({ committed: this.sender.device.committed }));
      const { latch, committed, judged } = this.sender.device;
      const disputes = await this.database.getAll("disputes");
      const offset = this.sender.clock.offset_ms ?? 0;
      const clock = Math.abs(offset) > WRONG_CLOCK_MS ? Math.round(offset / 60_000) : 0;
      this.set({ ended: latch, committed, judged, disputes, clock, fault: null });
      if (latch) return;
    }
    if (due) this.asked = performance.now();
    try {
      await this.ask(due);
    } catch (error) {
      // The scans are with the register: that it does not answer is no reason to say that they are not.
      if (!(error instanceof Refused) || error.code === "bad-signature") throw error;
      console.info(error);
    }
  }

  private async ask(due: boolean): Promise<void> {
    if (due) {
      const work = await register.work(this.asker);
      await tell(this.database, "work", work);
      this.set({ work });
    }
    await this.learn(due);
    await this.identify();
  }

  private get asker(): register.Asker {
    const now = new Date(Date.now() + (this.sender.clock.offset_ms ?? 0));
    return { ...this.device, now };
  }

  /** What the register does not hold as it was scanned. */
  private async learn(again: boolean): Promise<void> {
    const { judged, committed } = this.sender.device;
    if (!again && judged >= committed) return;
    const first = Math.max(1, again ? judged + 1 - BACK : judged + 1);
    const answer = await register.disagreements(this.asker, first);
    for (const each of answer.items) {
      const { seq, verdict, detail, articles, strange } = each;
      const alerts = each.alerts.map((alert) => alert.rule);
      const change = this.database.transaction("disputes", "readwrite");
      const known = await change.store.get(seq);
      // An alert that came later is news, though the scan's verdict is not.
      const seen = known?.seen === true && String(known.alerts) === String(alerts);
      await change.store.put({ seq, verdict, detail, articles, strange, alerts, seen });
      await change.done;
    }
    const upTo = answer.items.length < 500 ? answer.concluded : answer.items.at(-1)!.seq;
    const further = { judged: Math.max(judged, upTo) };
    this.sender.device = await amend(this.database, this.device, further);
    const disputes = await this.database.getAll("disputes");
    this.set({ judged: this.sender.device.judged, disputes });
  }

  /** What codes name, once their scans were judged: before that the register has things elsewhere. */
  private async identify(): Promise<void> {
    for (;;) {
      const judged = [...this.wanted].filter(([, seq]) => seq <= this.state.judged);
      const codes = judged.slice(0, MOST_CODES).map(([code]) => code);
      if (codes.length === 0) return;
      // Asked once, whatever comes of it: a code that is refused holds up no other.
      for (const code of codes) this.wanted.delete(code);
      const at = Date.now();
      for (const told of await register.names(this.asker, codes)) {
        const named = { ...told, at };
        this.names.set(named.code, named);
        await this.database.put("names", named);
      }
      this.changed();
    }
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.changed();
  }
}
