// Becoming a device: by the officer's QR code, which opens the app with a name and a one-time code.

import { fromHex, hex } from "./bytes.ts";
import { firstHead } from "./chain.ts";
import { newKey } from "./keys.ts";
import { opened } from "./record.ts";
import { enrol, work } from "./register.ts";
import { begin, type Database, type Device, tell } from "./store.ts";

export interface Invitation {
  name: string;
  code: string;
}

/** Of an address like `https://register/warehouse/#enrol=gramsh.phone-1,ABCDE-…`, or its text. */
export function invitation(address: string): Invitation | null {
  const found = /#enrol=([a-z0-9-]+\.[a-z0-9-]+),([A-Z0-9-]{8,100})$/.exec(address);
  return found ? { name: found[1]!, code: found[2]! } : null;
}

/** Open an epoch. Throws `Refused` or `Unreachable`; nothing is kept before the register agreed. */
export async function enrolled(database: Database, invited: Invitation): Promise<void> {
  const key = await newKey();
  const told = await enrol(invited.name, invited.code, key.public, "warehouse app");
  const origin = await firstHead(told.gateway, told.epoch, fromHex(told.previous_head));
  const device: Device = {
    name: told.gateway,
    epoch: told.epoch,
    key,
    receiptKeys: Object.fromEntries(
      told.keys.filter((each) => each.use === "receipt").map((each) => [each.id, each.public]),
    ),
    boots: 0,
    origin: hex(origin),
    incarnation: told.incarnation,
    committed: 0,
    checkpoint: { seq: 0, head: hex(origin) },
    judged: 0,
    latch: null,
  };
  const versions = { app: "1", browser: navigator.userAgent.slice(0, 200) };
  const nobody = { clock: { synced: false }, operator: undefined };
  await begin(database, device, opened(nobody, "warehouse app", versions)(1));
  // While there is a network: a device that knows no place can do little without one.
  await tell(database, "work", await work({ ...device, now: new Date() }).catch(() => undefined));
  // Without it a browser may clear what an app has when the disk is short.
  await navigator.storage.persist?.();
}
