// Somebody at a task: what they scanned since they began, and what became of the last of it.

import { type Feeling, feel } from "./feel.ts";
import { judge, type Need, plain, TASKS, type Wrong } from "./judge.ts";
import type { Keeper } from "./keeper.ts";
import type { Scan, Setting, Task } from "./record.ts";
import { type Database, type Dispute, type Kept, type Named, records, type Session, tell, told } from "./store.ts";

/** Of the last scan, for the large card. `full`: the disk took it not. */
export interface Outcome {
  feeling: Feeling;
  code: string;
  is: "kept" | "set" | "wrong" | "full" | "doubt" | "disputed";
  why?: Wrong | Need | Named["known"];
  /** Of `disputed`: the register's verdict. */
  verdict?: string;
}

const SHOWN = 30;
const PAGE = 500;

export class Sitting {
  setting: Setting = {};
  count = 0;
  recent: Kept[] = [];
  last: Outcome | null = null;
  private seen = new Set<string>();
  private readonly doubted = new Set<number>();
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
    const session = await told<Session>(database, `session ${task}`);
    if (session) {
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

  /** Where the disk is full it is not kept; the task begins anew then, and no scan is lost by it. */
  private begin(): Promise<void> {
    const { setting, first } = this;
    const session = { setting, first } satisfies Session;
    return tell(this.database, `session ${this.task}`, session).catch(() => undefined);
  }

  private async remember(): Promise<void> {
    let from = this.first;
    for (;;) {
      const page = await records(this.database, from, PAGE);
      for (const kept of page) {
        if (kept.task !== this.task || kept.code === undefined) continue;
        this.count += 1;
        this.recent = [kept, ...this.recent].slice(0, SHOWN);
        this.doubted.add(kept.seq); // said in its time, or in the list of what is disputed
        if (same(kept.setting ?? {}, this.setting)) this.seen.add(plain(kept.code));
      }
      if (page.length < PAGE) return;
      from = page.at(-1)!.seq + 1;
    }
  }

  /** Scans are taken one after the other, however fast they come. */
  take(scan: Scan): Promise<void> {
    const { code } = scan;
    this.waiting = this.waiting
      .then(() => this.taken(scan))
      // Whatever the reason, it is not on the disk; that is what has to be said.
      .catch(() => this.say({ feeling: "wrong", is: "full", code }));
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
      const kept = await keeper.keep(task, scan, this.setting);
      this.seen.add(plain(code));
      this.count += 1;
      this.recent = [kept, ...this.recent].slice(0, SHOWN);
      this.say({ feeling: "good", is: "kept", code });
    }
  }

  /** By scanning or choosing it. */
  async set(need: Need, value: string): Promise<void> {
    this.setting = { ...this.setting, [need]: value };
    this.seen = new Set();
    await this.begin();
    this.say({ feeling: "setting", is: "set", code: value, why: need });
  }

  /** Done with it: the next time begins anew. */
  async end(): Promise<void> {
    await tell(this.database, `session ${this.task}`, undefined);
  }

  /** The register may have said what one of the last codes names, or disputed one of the scans. */
  learned(): void {
    for (const { seq, code = "", at } of this.recent) {
      if (this.doubted.has(seq)) continue;
      const named = this.keeper.named(code);
      const dispute = this.keeper.state.disputes.find((each) => each.seq === seq);
      const verdict = dispute && verdictOf(dispute);
      // What was answered before this scan is of another day.
      if (named && named.at >= at && this.isStrange(named)) {
        this.doubted.add(seq);
        this.say({ feeling: "wrong", is: "doubt", code, why: named.known });
      } else if (verdict) {
        this.doubted.add(seq);
        this.say({ feeling: "wrong", is: "disputed", code, verdict });
      } else continue;
      return;
    }
  }

  /** What is received is another's until then. */
  private isStrange({ known }: Named): boolean {
    return known !== "own" && !(known === "elsewhere" && this.task === "receive");
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

/** Why the register does not hold a scan as it was made; undefined where it only raised an alert. */
function verdictOf({ verdict, articles, strange }: Dispute): string | undefined {
  const article = articles.find((each) => each.verdict !== "ok");
  if (article) return article.verdict;
  if (strange.length) return "unknown-code";
  return verdict === "ok" || verdict === "flagged" ? undefined : verdict;
}
