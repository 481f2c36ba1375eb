// What a scan is, before it is kept: one of what the task asks for, or wrong, and felt at once. Pure.

import type { Setting, Task } from "./record.ts";
import type { Work } from "./store.ts";

/** What a task needs to know besides the code of each thing. */
export type Need = "place" | "consignment" | "unit";

interface Asks {
  /** Without it nothing is kept. */
  needs: Need | null;
  /** It may be told, or changed, by scanning one. */
  takes: readonly Need[];
}

export const TASKS: Record<Task, Asks> = {
  receive: { needs: null, takes: ["consignment", "place"] },
  "put-away": { needs: "place", takes: ["place"] },
  move: { needs: "place", takes: ["place"] },
  pack: { needs: "unit", takes: ["unit"] },
  unpack: { needs: "unit", takes: ["unit"] },
  count: { needs: "place", takes: ["place"] },
  dispatch: { needs: "consignment", takes: ["consignment"] },
  find: { needs: null, takes: [] },
};

export type Wrong =
  | "again"
  | "a-place"
  | "a-consignment"
  | "not-ours-to-send"
  | "not-ours-to-receive"
  | "itself"
  | "no-code"
  | "place-first"
  | "consignment-first";

export type Finding =
  | { is: "thing" }
  | { is: "setting"; need: Need; value: string }
  | { is: "wrong"; why: Wrong };

/** In characters, of a code in a record: gateway/contract/record.py. */
const LONGEST = 2000;

/** Without spaces around it, and without what a reader put before it: how scans are compared. */
export function plain(code: string): string {
  const trimmed = code.trim();
  return /^\][A-Za-z][0-9A-Za-z]./.test(trimmed) ? trimmed.slice(3) : trimmed;
}

/** `seen`: the plain codes of the session so far. */
export function judge(
  task: Task,
  setting: Setting,
  code: string,
  work: Work | null,
  seen: ReadonlySet<string>,
): Finding {
  const text = plain(code);
  const { needs, takes } = TASKS[task];
  if (text === "" || code.length > LONGEST || code.includes("\0")) {
    return { is: "wrong", why: "no-code" };
  }
  if (work?.places.some((each) => each.code === text)) {
    if (takes.includes("place")) return { is: "setting", need: "place", value: text };
    return { is: "wrong", why: "a-place" };
  }
  const consignment = work?.consignments.find((each) => each.number === text);
  if (consignment) {
    if (!takes.includes("consignment")) return { is: "wrong", why: "a-consignment" };
    if (task === "dispatch" && consignment.way === "in" && consignment.other !== null) {
      return { is: "wrong", why: "not-ours-to-send" };
    }
    if (task === "receive" && consignment.way === "out") {
      return { is: "wrong", why: "not-ours-to-receive" };
    }
    return { is: "setting", need: "consignment", value: text };
  }
  if (needs === "unit" && !setting.unit) return { is: "setting", need: "unit", value: code.trim() };
  if (needs === "place" && !setting.place) return { is: "wrong", why: "place-first" };
  if (needs === "consignment" && !setting.consignment) {
    return { is: "wrong", why: "consignment-first" };
  }
  if (setting.unit && plain(setting.unit) === text) return { is: "wrong", why: "itself" };
  if (task !== "find" && seen.has(text)) return { is: "wrong", why: "again" };
  return { is: "thing" };
}
