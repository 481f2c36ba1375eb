// How far a station gets without the network: how many numbers it has, and until when. Pure.

import { number, soon, t } from "./texts.js";

const HOUR_MS = 3600 * 1000;
const LOW_MS = 2 * HOUR_MS;
const LOW_NUMBERS = 20;

/** Its text, and its kind: plain, low (little is left) or alarm (nothing is); "" without a plan. */
export function reach(snapshot, station, now) {
  const lease = snapshot.lease_until;
  if (!lease) return { text: "", kind: "plain" };
  const time = soon(lease, now);
  // A lease ends by the gateway's own reckoning, and not by the clock that the page shows.
  const ahead = snapshot.lease_now ? Date.parse(snapshot.lease_now) - Date.parse(snapshot.now) : 0;
  const left_ms = Date.parse(lease) - now - ahead;
  if (left_ms <= 0) {
    const text = Date.parse(lease) > now ? t("link.lease-over") : t("link.lease-ended", { time });
    return { text, kind: "alarm" };
  }
  const left = station?.marks && station.order ? station.order.left : null;
  if (left === null) return { text: t("link.until", { time }), kind: left_ms < LOW_MS ? "low" : "plain" };
  const [one, many] = snapshot.link.connected ? ["link.if-gone-one", "link.if-gone"] : ["link.without-one", "link.without"];
  const text = t(left === 1 ? one : many, { n: number(left), time });
  if (left === 0) return { text, kind: "alarm" };
  const hourly = station.pace?.per_hour ?? 0;
  const low = left_ms < LOW_MS || left < Math.max(LOW_NUMBERS, hourly);
  return { text, kind: low ? "low" : "plain" };
}
