// Sends what the register does not have, one signed batch at a time, and moves on by receipts alone.

import { fromHex, hex, randomHex } from "./bytes.ts";
import { batch, fitting, type Head, MOST_RECORDS, nextHead } from "./chain.ts";
import { verified } from "./keys.ts";
import type { Clock } from "./record.ts";
import { bring, Unreachable } from "./register.ts";
import { amend, type Database, type Device, lastSeq, records } from "./store.ts";

interface Receipt {
  gateway: string;
  epoch: number;
  boot: string;
  at: string;
  incarnation: number;
  committed: number;
  head: string;
  refused?: { seq: number; code: string; detail: string }[];
  latch?: string;
}

export class Sender {
  clock: Clock = { synced: false };
  private boot = "";

  constructor(
    private readonly database: Database,
    public device: Device,
  ) {}

  /** The next boot of the device, written before anything is sent by it: no two are the same. */
  private async begin(): Promise<void> {
    this.device = await amend(this.database, this.device, { boots: this.device.boots + 1 });
    this.boot = `${this.device.boots}-${randomHex(8)}`;
  }

  /** All that is not committed. The first batch begins with the newest record that is, so that the
   *  answer tells whether both ends mean the same journal. Throws `Unreachable` or `Refused`. */
  async send(progress: () => void): Promise<void> {
    if (!this.boot) await this.begin();
    for (;;) {
      const { committed, checkpoint } = this.device;
      const from = { seq: checkpoint.seq, head: fromHex(checkpoint.head) };
      const kept = await records(this.database, from.seq + 1, MOST_RECORDS);
      const lines = fitting(kept.map((each) => each.line));
      const asked = Date.now();
      const made = await batch({ ...this.device, boot: this.boot }, from, lines);
      await this.apply(await this.receipt(made.payload, asked));
      progress();
      const moved = this.device.committed !== committed;
      if (this.device.latch || !moved || this.device.committed >= (await lastSeq(this.database))) {
        return;
      }
    }
  }

  private async receipt(payload: string, asked: number): Promise<Receipt> {
    const answer = await bring(payload);
    const answered = Date.now();
    const keys = Object.fromEntries(
      Object.entries(this.device.receiptKeys).map(([id, key]) => [id, fromHex(key)]),
    );
    const line = await verified("receipt", answer, keys);
    if (line === null) throw new Unreachable("what answered is not the register");
    const receipt = JSON.parse(line) as Receipt;
    const { name, epoch } = this.device;
    if (receipt.gateway !== name || receipt.epoch !== epoch || receipt.boot !== this.boot) {
      throw new Unreachable("the receipt is another's");
    }
    const offset = Math.round(Date.parse(receipt.at) - (asked + answered) / 2);
    this.clock = { synced: Math.abs(offset) < 5_000, offset_ms: offset };
    return receipt;
  }

  /** Within one incarnation a lower `committed` is ignored; a later one means a restored register,
   *  which is sent to again from there. */
  private async apply(receipt: Receipt): Promise<void> {
    const { incarnation, committed } = this.device;
    for (const each of receipt.refused ?? []) await this.refused(each);
    if (receipt.incarnation < incarnation) return;
    if (receipt.incarnation === incarnation && receipt.committed < committed) return;
    let latch = receipt.latch ?? null;
    const change: Partial<Device> = {};
    if (receipt.committed > (await lastSeq(this.database))) {
      latch = "rolled-back";
    } else if (receipt.committed > 0) {
      const before = await this.headAt(receipt.committed - 1);
      const [newest] = await records(this.database, receipt.committed, 1);
      if (hex(await nextHead(before.head, newest!.line)) === receipt.head) {
        change.checkpoint = { seq: before.seq, head: hex(before.head) };
        change.committed = receipt.committed;
      } else {
        // What the register has under these numbers is not ours: none of ours counts as sent by it.
        latch = "forked";
      }
    } else {
      change.checkpoint = { seq: 0, head: this.device.origin };
      change.committed = 0;
    }
    change.incarnation = receipt.incarnation;
    change.judged = Math.min(this.device.judged, change.committed ?? committed);
    this.device = await amend(this.database, this.device, { ...change, latch });
  }

  private async headAt(seq: number): Promise<Head> {
    const { checkpoint, origin } = this.device;
    const known = checkpoint.seq <= seq ? checkpoint : { seq: 0, head: origin };
    let head = fromHex(known.head);
    for (let at = known.seq; at < seq; at += MOST_RECORDS) {
      for (const each of await records(this.database, at + 1, Math.min(MOST_RECORDS, seq - at))) {
        head = await nextHead(head, each.line);
      }
    }
    return { seq, head };
  }

  private async refused(refusal: { seq: number; code: string; detail: string }): Promise<void> {
    const known = await this.database.get("disputes", refusal.seq);
    if (known) return;
    const { seq, code, detail } = refusal;
    const of = { articles: [], strange: [], alerts: [], seen: false };
    await this.database.put("disputes", { seq, verdict: code, detail, ...of });
  }
}
