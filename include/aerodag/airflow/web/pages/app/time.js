/** Moments and durations for people. */

import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { UNKNOWN } from "./amounts.js";

const EXACT = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "long" });
const MINUTE_PARTS = { dateStyle: "medium", timeStyle: "short" };
const MINUTE = new Intl.DateTimeFormat("en", MINUTE_PARTS);
const DAY_PARTS = { day: "numeric", month: "short", year: "numeric" };
const DAY = new Intl.DateTimeFormat("en", DAY_PARTS);
const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

const UTC = { timeZone: "UTC" };
const UTC_MINUTE = new Intl.DateTimeFormat("en", { ...MINUTE_PARTS, ...UTC });
const UTC_DAY = new Intl.DateTimeFormat("en", { ...DAY_PARTS, ...UTC });
const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** `1 d 4 h`, `12 min`, `0.4 s`: the two largest units at most. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  if (seconds < 10) return `${seconds < 0.05 ? 0 : seconds.toFixed(1)} s`;
  let rest = Math.round(seconds);
  const first = UNITS.findIndex(([, size]) => rest >= size);
  const parts = [];
  for (const [name, size] of UNITS.slice(first, first + 2)) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole) parts.push(`${whole} ${name}`);
  }
  return parts.join(" ");
}

/** `just now`, `3 min ago`, `in 2 h`; dates beyond a month. */
export function relative(moment, now = Date.now()) {
  const seconds = (now - Date.parse(moment)) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 45) return seconds < 0 ? "in a moment" : "just now";
  if (distance > 30 * 86_400) return day(moment);
  const [name, size] = UNITS.find(([, length]) => distance >= length * 0.95);
  const amount = `${Math.max(1, Math.round(distance / size))} ${name}`;
  return seconds < 0 ? `in ${amount}` : `${amount} ago`;
}

export function exact(moment) {
  return moment ? EXACT.format(new Date(moment)) : UNKNOWN;
}

/** To the minute, in the zone of the browser. */
export function minute(moment) {
  return moment ? MINUTE.format(new Date(moment)) : UNKNOWN;
}

export function day(moment) {
  return moment ? DAY.format(new Date(moment)) : UNKNOWN;
}

/** The day and the minute of what has no zone of its own and is on record as if it were UTC. */
export function utcDay(moment) {
  return moment ? UTC_DAY.format(new Date(moment)) : UNKNOWN;
}

export function utcMinute(moment) {
  return moment ? UTC_MINUTE.format(new Date(moment)) : UNKNOWN;
}

/** `14:05`, in the zone of the browser. */
export function clock(milliseconds) {
  return CLOCK.format(milliseconds);
}

/** Seconds from a moment to another, or to now. */
export function secondsBetween(from, to) {
  return from ? ((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000 : null;
}

/** The present in milliseconds; what shows it is drawn again as it passes. */
export function useNow(every = 30_000) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** A moment to the minute whose title is the exact one, with its zone. */
export function Moment({ at }) {
  return at ? html`<time datetime=${at} title=${exact(at)}>${minute(at)}</time>` : UNKNOWN;
}

/** A relative time whose title is the exact one. */
export function Ago({ at, prefix = "" }) {
  const now = useNow();
  if (!at) return UNKNOWN;
  return html`<time datetime=${at} title=${exact(at)}>${prefix}${relative(at, now)}</time>`;
}
