// The hash chain over records, and batches of them: docs/devices.md and gateway/contract/batch.py.

import { type Bytes, hex, joined, sha256, utf8 } from "./bytes.ts";
import { type DeviceKey, sign } from "./keys.ts";

export const MOST_RECORDS = 500;
export const MOST_BYTES = 256 * 1024;

export const firstHead = (name: string, epoch: number, previous: Bytes): Promise<Bytes> =>
  sha256(joined(utf8(`gjurma/v1/epoch\n${name}\n${epoch}\n`), previous));

export const nextHead = async (head: Bytes, line: string): Promise<Bytes> =>
  sha256(joined(head, await sha256(utf8(line))));

/** Where the chain stands: after record `seq`. */
export interface Head {
  seq: number;
  head: Bytes;
}

export interface Stream {
  name: string;
  epoch: number;
  boot: string;
  key: DeviceKey;
}

/** As many of the lines as one batch holds. */
export function fitting(lines: readonly string[]): readonly string[] {
  let size = 0;
  let count = 0;
  for (const line of lines.slice(0, MOST_RECORDS)) {
    size += utf8(line).length + 1;
    if (size > MOST_BYTES && count > 0) break;
    count += 1;
  }
  return lines.slice(0, count);
}

/** A signed batch of the records after `from`, and where the chain stands after them. */
export async function batch(
  stream: Stream,
  from: Head,
  lines: readonly string[],
): Promise<{ payload: string; to: Head }> {
  let head = from.head;
  for (const line of lines) head = await nextHead(head, line);
  const to = { seq: from.seq + lines.length, head };
  const header = JSON.stringify({
    v: 1,
    gateway: stream.name,
    epoch: stream.epoch,
    boot: stream.boot,
    first: from.seq + 1,
    last: to.seq,
    prev: hex(from.head),
    head: hex(head),
  });
  return { payload: [await sign("batch", header, stream.key), ...lines].join("\n"), to };
}
