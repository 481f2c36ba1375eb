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
  /** The register's word on the last attempt, where it is no receipt. */
  fault: string | null;
  work: Work | null;
  disputes: Dispute[];
}

export class Keeper {
  state: State;
  operator: string | undefined;
  private readonly names = new Map<string, Named>();
  private wanted = new Set<string>();
  private asked = 0;
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
    this.state = { link, last, committed, judged, ended: latch, fault: null, work, disputes };
  }

  static async started(database: Database, device: Device, changed: () => void): Promise<Keeper> {
    const sender = await Sender.started(database, device);
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

  /** Keep a scan; it is on the disk when this returns. Throws `QuotaExceededError` on a full one. */
  async keep(task: Task, scan: Scan, setting: Setting): Promise<Kept> {
    const author = { clock: this.sender.clock, operator: this.operator };
    const make = scanned(author, task, scan, setting);
    const shown = { task, code: scan.code, way: scan.way, setting, at: Date.now() };
    const of = this.operator ? { operator: this.operator } : {};
    const kept = await append(this.database, make, { ...shown, ...of });
    if (task === "find" || !this.names.has(scan.code)) this.wanted.add(scan.code);
    this.set({ last: kept.seq });
    this.poke();
    return kept;
  }

  named(code: string): Named | undefined {
    return this.names.get(code);
  }

  /** Learn what a code names, and soon. */
  want(code: string): void {
    this.wanted.add(code);
    this.poke();
  }

  /** What disputes a scan was shown to somebody. */
  async acknowledge(dispute: Dispute): Promise<void> {
    await this.database.put("disputes", { ...dispute, seen: true });
    this.set({ disputes: await this.database.getAll("disputes") });
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

  /** For as long as the page is there. */
  async run(): Promise<never> {
    for (;;) {
      this.poked = false;
      const wait = this.state.ended ? AGAIN_MS : await this.attempt();
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
      const { judged, committed, ended } = this.state;
      this.set({ link: ended ? "ended" : "online", fault: null });
      return judged < committed ? JUDGING_MS : IDLE_MS;
    } catch (error) {
      this.failures += 1;
      if (error instanceof Refused && error.status === 403) {
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
    const due = Date.now() - this.asked > AGAIN_MS;
    if (due || this.sender.device.committed < (await lastSeq(this.database))) {
      this.set({ link: "sending" });
      await this.sender.send(() => this.set({ committed: this.sender.device.committed }));
      const { latch, committed } = this.sender.device;
      this.set({ ended: latch, committed, disputes: await this.database.getAll("disputes") });
      if (latch) return;
    }
    if (due) {
      const work = await register.work(this.device);
      await tell(this.database, "work", work);
      this.set({ work });
    }
    await this.learn(due);
    await this.identify();
    if (due) this.asked = Date.now();
  }

  /** What the register does not hold as it was scanned. */
  private async learn(again: boolean): Promise<void> {
    const { judged, committed } = this.sender.device;
    if (!again && judged >= committed) return;
    const first = Math.max(1, again ? judged + 1 - BACK : judged + 1);
    const answer = await register.disagreements(this.device, first);
    for (const each of answer.items) {
      const { seq, verdict, detail, articles, strange } = each;
      const alerts = each.alerts.map((alert) => alert.rule);
      const seen = (await this.database.get("disputes", seq))?.seen ?? false;
      const dispute = { seq, verdict, detail, articles, strange, alerts, seen };
      await this.database.put("disputes", dispute);
    }
    const upTo = answer.items.length < 500 ? answer.concluded : answer.items.at(-1)!.seq;
    this.sender.device = await amend(this.database, { judged: Math.max(judged, upTo) });
    const disputes = await this.database.getAll("disputes");
    this.set({ judged: this.sender.device.judged, disputes });
  }

  private async identify(): Promise<void> {
    while (this.wanted.size > 0) {
      const codes = [...this.wanted].slice(0, MOST_CODES);
      for (const named of await register.names(this.device, codes)) {
        this.names.set(named.code, named);
        await this.database.put("names", named);
      }
      for (const code of codes) this.wanted.delete(code);
      this.changed();
    }
  }

  private set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    this.changed();
  }
}
