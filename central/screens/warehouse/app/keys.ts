// The device's key, which no script can read out, and the signatures of the contract.

import { verifyAsync } from "@noble/ed25519";
import { base64, type Bytes, fromBase64, hex, joined, sha256, utf8 } from "./bytes.ts";

const P256: EcKeyGenParams = { name: "ECDSA", namedCurve: "P-256" };
const ECDSA: EcdsaParams = { name: "ECDSA", hash: "SHA-256" };
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export type Kind = "batch" | "receipt" | "question";

/** `private` is only a handle: the browser keeps the key. `id` as the contract names it. */
export interface DeviceKey {
  private: CryptoKey;
  public: string;
  id: string;
}

export async function newKey(): Promise<DeviceKey> {
  const pair = await crypto.subtle.generateKey(P256, false, ["sign", "verify"]);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const compressed = joined(new Uint8Array([2 + (point[64]! & 1)]), point.slice(1, 33));
  const digest = hex(await sha256(compressed));
  return { private: pair.privateKey, public: hex(compressed), id: `k${digest.slice(0, 12)}` };
}

const message = (kind: Kind, line: string): Bytes => utf8(`gjurma/v1/${kind}\n${line}`);

/** The line, and the line of its signature. */
export async function sign(kind: Kind, line: string, key: DeviceKey): Promise<string> {
  const signature = new Uint8Array(await crypto.subtle.sign(ECDSA, key.private, message(kind, line)));
  return `${line}\n${key.id} ${base64(lower(signature))}`;
}

/** With `s` in the lower half, which alone counts. */
function lower(signature: Bytes): Bytes {
  const s = BigInt(`0x${hex(signature.slice(32))}`);
  if (s <= ORDER / 2n) return signature;
  const turned = (ORDER - s).toString(16).padStart(64, "0");
  const pairs = turned.match(/../g)!;
  return joined(signature.slice(0, 32), Uint8Array.from(pairs, (each) => Number.parseInt(each, 16)));
}

/** The line that one of the register's keys (by id, in bytes) has signed; null where none has. */
export async function verified(
  kind: Kind,
  payload: string,
  keys: Record<string, Bytes>,
): Promise<string | null> {
  const [line, told, ...rest] = payload.split("\n");
  const [id, signature, ...more] = told?.split(" ") ?? [];
  const key = id ? keys[id] : undefined;
  if (line === undefined || !key || !signature || rest.length || more.length) return null;
  // By a library: a browser whose own cryptography has no Ed25519 checks receipts all the same.
  const good = await verifyAsync(fromBase64(signature), message(kind, line), key).catch(() => false);
  return good ? line : null;
}
