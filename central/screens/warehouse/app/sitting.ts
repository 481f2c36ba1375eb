// Somebody at a task: what they scanned since they began, and what became of the last of it.

import { type Feeling, feel } from "./feel.ts";
import { judge, type Need, plain, TASKS, type Wrong } from "./judge.ts";
import type { Keeper } from "./keeper.ts";
import type { Scan, Setting, Task } from "./record.ts";
import { type Database, type Kept, type Named, records, type Session, tell, told } from "./store.ts";

/** Of the last scan, for the large card. `full`: the disk took it not. */
export interface Outcome {
  feeling: Feeling;
  code: string;
  is: "kept" | "set" | "wrong" | "full" | "doubt";
  why?: Wrong | Need | Named["known"];
}

const SHOWN = 30;
const PAGE = 500;

export class Sitting {
  setting: Setting = {};
  count = 0;
  recent: Kept[] = [];
  last: Outcome | null = null;
  private seen = new Set<string>();
  private first: number;
  private waiting: Promise<void> = Promise.resolve();

  private constructor(
    private readonly database: Database,
    private readonly keeper: Keeper,
    readonly task: Task,
    private readonly changed: () => void,
  ) {
    this.first = keeper.state.last + 1;
  }

  /** The one that was left, where it was of this task: closing the app ends nothing. */
  static async at(
    database: Database,
    keeper: Keeper,
    task: Task,
    changed: () => void,
  ): Promise<Sitting> {
    const sitting = new Sitting(database, keeper, task, changed);
    const session = await told<Session>(database, "session");
    if (session?.task === task) {
      sitting.setting = session.setting;
      sitting.first = session.first;
      await sitting.remember();
    } else {
      // Things are counted where the device is, unless another place is scanned.
      const place = keeper.state.work?.place;
      if (task === "count" && place) sitting.setting = { place };
      await sitting.begin();
    }
    return sitting;
  }

  private begin(): Promise<void> {
    const { task, setting, first } = this;
    return tell(this.database, "session", { task, setting, first } satisfies Session);
  }

  private async remember(): Promise<void> {
    let from = this.first;
    for (;;) {
      const page = await records(this.database, from, PAGE);
      for (const kept of page) {
        if (kept.task !== this.task || kept.code === undefined) continue;
        this.count += 1;
        this.recent = [kept, ...this.recent].slice(0, SHOWN);
        if (same(kept.setting ?? {}, this.setting)) this.seen.add(plain(kept.code));
      }
      if (page.length < PAGE) return;
      from = page.at(-1)!.seq + 1;
    }
  }

  /** Scans are taken one after the other, however fast they come. */
  take(scan: Scan): Promise<void> {
    this.waiting = this.waiting.then(() => this.taken(scan));
    return this.waiting;
  }

  private async taken(scan: Scan): Promise<void> {
    const { task, keeper } = this;
    const finding = judge(task, this.setting, scan.code, keeper.state.work, this.seen);
    const { code } = scan;
    if (finding.is === "wrong") {
      this.say({ feeling: "wrong", is: "wrong", code, why: finding.why });
    } else if (finding.is === "setting") {
      await this.set(finding.need, finding.value);
    } else {
      try {
        const kept = await keeper.keep(task, scan, this.setting);
        this.seen.add(plain(code));
        this.count += 1;
        this.recent = [kept, ...this.recent].slice(0, SHOWN);
        const why = this.doubt(code);
        if (why) this.say({ feeling: "wrong", is: "doubt", code, why });
        else this.say({ feeling: "good", is: "kept", code });
      } catch {
        // Whatever the reason, it is not on the disk; that is what has to be said.
        this.say({ feeling: "wrong", is: "full", code });
      }
    }
  }

  /** By scanning or choosing it. */
  async set(need: Need, value: string): Promise<void> {
    this.setting = { ...this.setting, [need]: value };
    this.seen = new Set();
    if (need === "unit") this.keeper.want(value);
    await this.begin();
    this.say({ feeling: "setting", is: "set", code: value, why: need });
  }

  /** Done with it: the next time begins anew. */
  async end(): Promise<void> {
    await tell(this.database, "session", undefined);
  }

  /** The register said what the last code names. */
  learned(): void {
    const { last } = this;
    if (last?.is !== "kept") return;
    const why = this.doubt(last.code);
    if (why) this.say({ feeling: "wrong", is: "doubt", code: last.code, why });
  }

  /** Why a code should not be here, as far as is known; what is received is another's until then. */
  private doubt(code: string): Exclude<Named["known"], "own"> | null {
    const known = this.keeper.named(code)?.known ?? "own";
    if (known === "own" || (known === "elsewhere" && this.task === "receive")) return null;
    return known;
  }

  /** What has to be scanned before anything else counts. */
  get missing(): Need | null {
    const { needs } = TASKS[this.task];
    return needs && !this.setting[needs] ? needs : null;
  }

  private say(outcome: Outcome): void {
    this.last = outcome;
    feel(outcome.feeling);
    this.changed();
  }
}

const same = (one: Setting, other: Setting): boolean =>
  one.place === other.place && one.consignment === other.consignment && one.unit === other.unit;
