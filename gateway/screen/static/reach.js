// How far a station gets without the network: how many numbers it has, and until when. Pure.

import { number, soon, t } from "./texts.js";

const HOUR_MS = 3600 * 1000;
const LOW_MS = 2 * HOUR_MS;
const LOW_NUMBERS = 20;

/** Its text, and its kind: plain, low (little is left) or alarm (nothing is); "" without a plan. */
export function reach(snapshot, station, now) {
  const lease = snapshot.lease_until;
  if (!lease) return { text: "", kind: "plain" };
  const until = Date.parse(lease);
  const time = soon(lease, now);
  if (until <= now) return { text: t("link.lease-ended", { time }), kind: "alarm" };
  const left = station?.marks && station.order ? station.order.left : null;
  if (left === null) return { text: t("link.until", { time }), kind: until - now < LOW_MS ? "low" : "plain" };
  const [one, many] = snapshot.link.connected ? ["link.if-gone-one", "link.if-gone"] : ["link.without-one", "link.without"];
  const text = t(left === 1 ? one : many, { n: number(left), time });
  if (left === 0) return { text, kind: "alarm" };
  const hourly = station.pace?.per_hour ?? 0;
  const low = until - now < LOW_MS || left < Math.max(LOW_NUMBERS, hourly);
  return { text, kind: low ? "low" : "plain" };
}
