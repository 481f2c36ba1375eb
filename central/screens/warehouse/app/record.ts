// What a record says, and its one encoding: a line of JSON. See gateway/contract/record.py.

import { randomHex, wellFormed } from "./bytes.ts";

export type Purpose = "receive" | "put-away" | "move" | "count" | "dispatch" | "find";
export type Task = Purpose | "pack" | "unpack";

/** By camera (`device`), by a keyboard wedge, or typed. */
export type Way = "camera" | "wedge" | "typed";

/** A code as it came in. `symbology`: its AIM identifier, where a reader told it. */
export interface Scan {
  code: string;
  way: Way;
  symbology?: string;
}

/** To what a task's scans belong. */
export interface Setting {
  place?: string;
  consignment?: string;
  unit?: string;
}

export interface Clock {
  synced: boolean;
  /** What `at` lacks to the register's time: below zero where the clock is ahead. */
  offset_ms?: number;
}

/** `operator`: a badge's pseudonym. */
export interface Author {
  clock: Clock;
  operator: string | undefined;
}

/** UTC with microseconds, of which a browser's clock has three digits. */
export const moment = (date: Date): string => date.toISOString().replace("Z", "000Z");

function common(seq: number, author: Author): Record<string, unknown> {
  return {
    seq,
    at: moment(new Date()),
    clock: author.clock,
    ...(author.operator ? { operator: author.operator, operator_auth: "badge" } : {}),
    salt: randomHex(16),
  };
}

export function opened(author: Author, reason: string, versions: Record<string, string>) {
  return (seq: number): string =>
    JSON.stringify({ ...common(seq, author), type: "opened", reason, versions });
}

/** What a scan tells within a task. Packing and unpacking are a record for each piece: nothing waits
 *  for the package to be closed, so nothing is lost when the app is. */
export function scanned(author: Author, task: Task, scan: Scan, setting: Setting) {
  const code = wellFormed(scan.code);
  const place = setting.place ? { place: setting.place } : {};
  return (seq: number): string => {
    const told = common(seq, author);
    if (task === "pack" || task === "unpack") {
      const type = task === "pack" ? "packed" : "unpacked";
      return JSON.stringify({ ...told, type, parent: setting.unit, children: [code], ...place });
    }
    return JSON.stringify({
      ...told,
      type: "observed",
      purpose: task,
      codes: [code],
      entry: scan.way === "camera" ? "device" : "keyed",
      ...(scan.way === "camera" ? {} : { wedge: scan.way === "wedge" }),
      ...(scan.symbology ? { symbologies: [scan.symbology] } : {}),
      ...place,
      ...(setting.consignment ? { consignment: setting.consignment } : {}),
    });
  };
}
