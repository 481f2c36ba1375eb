// What the device keeps in the browser: who it is, its journal, and what the register said.

import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { DeviceKey } from "./keys.ts";
import type { Setting, Task, Way } from "./record.ts";

/** One epoch of a device. Heads of its chain are in hex: `origin` is the one before record 1, and
 *  `checkpoint` the one before the newest record that the register has (`committed`). `judged`: up to
 *  which record its disagreements are known here. `latch`: why it ends. */
export interface Device {
  name: string;
  epoch: number;
  key: DeviceKey;
  receiptKeys: Record<string, string>;
  boots: number;
  origin: string;
  incarnation: number;
  committed: number;
  checkpoint: { seq: number; head: string };
  judged: number;
  latch: string | null;
}

/** A record: its line is the evidence, the rest is for the screen. */
export interface Kept {
  seq: number;
  line: string;
  task?: Task;
  code?: string;
  way?: Way;
  setting?: Setting;
  operator?: string;
  at: number;
}

/** What the register does not hold as it was scanned. */
export interface Dispute {
  seq: number;
  verdict: string;
  detail: string;
  articles: { article: string; verdict: string; holder: string | null; place: string | null }[];
  strange: string[];
  alerts: string[];
  seen: boolean;
}

export interface Place {
  code: string;
  name: string;
  kind: string;
  parent: string | null;
}

export interface Consignment {
  number: string;
  way: "in" | "out";
  state: string;
  other: string | null;
  planned_dispatch: string;
  planned_arrival: string;
}

export interface Work {
  device: string;
  working: boolean;
  entity: string;
  entity_name: string;
  place: string;
  places: Place[];
  consignments: Consignment[];
}

/** What a code names, as the register told it. */
export interface Named {
  code: string;
  known: "own" | "elsewhere" | "ambiguous" | "unknown";
  article: string | null;
  kind: string | null;
  model: string | null;
  lot: string | null;
  disposition: string | null;
  place: string | null;
  package: string | null;
  disputed: boolean;
  /** When it was told. */
  at: number;
}

/** A record of an epoch that ended before it was sent. */
export interface Former extends Kept {
  name: string;
  epoch: number;
}

/** A task that somebody is at. `first`: its first record. */
export interface Session {
  setting: Setting;
  first: number;
}

interface Schema extends DBSchema {
  device: { key: "device"; value: Device };
  records: { key: number; value: Kept };
  disputes: { key: number; value: Dispute };
  names: { key: string; value: Named };
  former: { key: [name: string, epoch: number, seq: number]; value: Former };
  told: { key: string; value: unknown };
}

export type Database = IDBPDatabase<Schema>;

export const open = (): Promise<Database> =>
  openDB<Schema>("gjurma", 1, {
    upgrade(database) {
      database.createObjectStore("device");
      database.createObjectStore("records", { keyPath: "seq" });
      database.createObjectStore("disputes", { keyPath: "seq" });
      database.createObjectStore("names", { keyPath: "code" });
      database.createObjectStore("former", { keyPath: ["name", "epoch", "seq"] });
      database.createObjectStore("told");
    },
  });

/** Begin an epoch. Of an earlier one, what was never sent stays; the rest goes, with its key. Where
 *  the register was restored to before that one, nobody else may have any of it: all of it stays. */
export async function begin(database: Database, device: Device, line: string): Promise<void> {
  const goes = ["device", "records", "disputes", "names", "told"] as const;
  const stores = [...goes, "former"] as const;
  const change = database.transaction(stores, "readwrite", { durability: "strict" });
  const ended = await change.objectStore("device").get("device");
  if (ended) {
    const { name, epoch, incarnation, committed } = ended;
    const lost = device.incarnation > incarnation || (device.name === name && device.epoch <= epoch);
    const stays = IDBKeyRange.lowerBound(lost ? 0 : committed, true);
    for (const kept of await change.objectStore("records").getAll(stays)) {
      await change.objectStore("former").put({ ...kept, name, epoch });
    }
  }
  await Promise.all(goes.map((name) => change.objectStore(name).clear()));
  await change.objectStore("device").put(device, "device");
  await change.objectStore("records").add({ seq: 1, line, at: Date.now() });
  await change.done;
}

/** Keep one more record. On the disk when it returns; throws `QuotaExceededError` on a full one.
 *
 *  `add` and not `put`: a number is never written twice, whoever else has the database open. */
export async function append(
  database: Database,
  make: (seq: number) => string,
  shown: Omit<Kept, "seq" | "line">,
): Promise<Kept> {
  const change = database.transaction("records", "readwrite", { durability: "strict" });
  const last = await change.store.openKeyCursor(null, "prev");
  const seq = (last?.key ?? 0) + 1;
  const kept = { ...shown, seq, line: make(seq) };
  await change.store.add(kept);
  await change.done;
  return kept;
}

export async function lastSeq(database: Database): Promise<number> {
  const cursor = await database.transaction("records").store.openKeyCursor(null, "prev");
  return cursor?.key ?? 0;
}

export const records = (database: Database, first: number, most: number): Promise<Kept[]> =>
  database.getAll("records", IDBKeyRange.lowerBound(first), most);

/** Change what is known of an epoch; one that has begun meanwhile is not touched. */
export async function amend(
  database: Database,
  of: { name: string; epoch: number },
  change: Partial<Device>,
): Promise<Device> {
  const amending = database.transaction("device", "readwrite", { durability: "strict" });
  const device = await amending.store.get("device");
  if (device?.name !== of.name || device.epoch !== of.epoch) throw new Error("another epoch began");
  const amended = { ...device, ...change };
  await amending.store.put(amended, "device");
  await amending.done;
  return amended;
}

export const told = async <T>(database: Database, what: string): Promise<T | undefined> =>
  (await database.get("told", what)) as T | undefined;

export const tell = async (database: Database, what: string, value: unknown): Promise<void> => {
  await database.put("told", value, what);
};
