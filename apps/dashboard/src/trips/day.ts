/*
 * Days of the browser's time zone, as in the address: 2026-11-29.
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The day of a moment. */
export function dayOf(at: number): string {
  return new Date(at - new Date(at).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 10);
}

export function startOf(day: string): number {
  return new Date(`${day}T00:00`).getTime();
}

/** Counted at noon: a day may have 23 or 25 hours. */
export function shifted(day: string, days: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}
