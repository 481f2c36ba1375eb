// Bytes and their spellings: UTF-8, hex, base64, SHA-256.

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export const utf8 = (text: string): Bytes => encoder.encode(text);

/** With every half of a pair of surrogates replaced: only such a text can be sent and kept. */
export const wellFormed = (text: string): string => new TextDecoder().decode(utf8(text));

export const hex = (bytes: Bytes): string =>
  Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");

export function fromHex(text: string): Bytes {
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}

export const base64 = (bytes: Bytes): string => btoa(String.fromCharCode(...bytes));

export const fromBase64 = (text: string): Bytes =>
  Uint8Array.from(atob(text), (each) => each.charCodeAt(0));

export function joined(...parts: Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const sha256 = async (bytes: Bytes): Promise<Bytes> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

export const randomHex = (size: number): string => hex(crypto.getRandomValues(new Uint8Array(size)));
