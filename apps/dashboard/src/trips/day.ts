import { zoneOffsetMs } from '../locale/time-zone.js';

/*
 * Days in the page's time zone, as in the address: 2026-11-29.
 */

const DAY_MS = 86_400_000;

/** The day of a moment. */
export function dayOf(at: number): string {
  return toLocal(at).slice(0, 10);
}

export function startOf(day: string): number {
  return fromLocal(`${day}T00:00`);
}

export function shifted(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** A moment as the time of day with its date, without a zone: 2026-11-29T08:42. */
export function toLocal(at: number): string {
  return new Date(at + zoneOffsetMs(at)).toISOString().slice(0, 16);
}

/** The moment of such a time; not a number if it is not one. */
export function fromLocal(text: string): number {
  const time = Date.parse(`${text}Z`);
  if (Number.isNaN(time)) return time;
  // The offset at the moment may differ from the one that was found first, at a change to or from summer time.
  return time - zoneOffsetMs(time - zoneOffsetMs(time));
}
