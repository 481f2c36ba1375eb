// The register over HTTP: enrolment, batches and questions, and what goes wrong on the way.

import { moment } from "./record.ts";
import { type DeviceKey, sign } from "./keys.ts";
import type { Named, Work } from "./store.ts";

const PATIENCE_MS = 30_000;

/** There is no answer of the register's: no network, a hotel's sign-in page, a proxy's 502. */
export class Unreachable extends Error {}

/** The register's own word. `code` is stable: docs/devices.md. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
    this.name = code;
  }
}

async function post(address: string, kind: string, body: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": kind },
      body,
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (error) {
    throw new Unreachable(String(error));
  }
  if (response.ok) return response;
  if ([502, 503, 504].includes(response.status)) throw new Unreachable(`HTTP ${response.status}`);
  const problem = await json(response);
  if (typeof problem["code"] !== "string") throw new Unreachable(`HTTP ${response.status}`);
  throw new Refused(response.status, problem["code"], String(problem["detail"] ?? ""));
}

async function json(response: Response): Promise<Record<string, unknown>> {
  try {
    return (await response.json()) as Record<string, unknown>;
  } catch (error) {
    throw new Unreachable(String(error));
  }
}

export interface Enrolled {
  gateway: string;
  epoch: number;
  previous_head: string;
  incarnation: number;
  keys: { id: string; use: string; public: string }[];
}

export async function enrol(name: string, code: string, key: string, reason: string) {
  const asked = { code, gateway: name, public: key, reason };
  const response = await post("/enroll", "application/json", JSON.stringify(asked));
  return (await json(response)) as unknown as Enrolled;
}

/** The receipt as it came: its signature is not checked here. */
export async function bring(payload: string): Promise<string> {
  const response = await post("/api/v1/batches", "application/vnd.gjurma.batch", payload);
  return response.text().catch((error: unknown) => {
    throw new Unreachable(String(error));
  });
}

export interface Disagreements {
  items: {
    seq: number;
    verdict: string;
    detail: string;
    articles: { article: string; verdict: string; holder: string | null; place: string | null }[];
    strange: string[];
    alerts: { rule: string }[];
  }[];
  concluded: number;
}

/** `now`: by the register's clock, as far as it is known. */
export interface Asker {
  name: string;
  epoch: number;
  key: DeviceKey;
  now: Date;
}

async function ask(who: Asker, asks: string, more: object): Promise<unknown> {
  const question = { v: 1, gateway: who.name, epoch: who.epoch, at: moment(who.now), asks, ...more };
  const payload = await sign("question", JSON.stringify(question), who.key);
  return json(await post("/api/v1/questions", "application/vnd.gjurma.question", payload));
}

export const disagreements = async (who: Asker, first: number): Promise<Disagreements> =>
  (await ask(who, "disagreements", { first })) as Disagreements;

export const work = async (who: Asker): Promise<Work> => (await ask(who, "work", {})) as Work;

export async function names(who: Asker, codes: string[]): Promise<Omit<Named, "at">[]> {
  return ((await ask(who, "codes", { codes })) as { items: Omit<Named, "at">[] }).items;
}
