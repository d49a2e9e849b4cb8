/** Formats of numbers, times and places on the page, in English. */

const locale = 'en-GB';
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const dateTime = new Intl.DateTimeFormat(locale, {
  year: 'numeric',
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const day = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short' });
const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Shown for unknown values. */
export const UNKNOWN = '–';

/** Digits of a device id that are shown: UUIDs of version 7 differ at the end. */
const SHORT_ID_LENGTH = 6;

export function formatCount(count: number): string {
  return whole.format(count);
}

/** In a cell on the map: 940, 1.2k, 13k. */
export function formatShortCount(count: number): string {
  if (count < 1000) return String(count);
  const thousands = count / 1000;
  return `${thousands < 9.95 ? thousands.toFixed(1) : Math.round(thousands)}k`;
}

export function formatShare(part: number, total: number): string {
  if (total === 0) return UNKNOWN;
  const percent = (100 * part) / total;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
}

/** The time of day in the browser's time zone. */
export function formatClock(atMs: number): string {
  return clock.format(atMs);
}

/** The time of day in the browser's time zone, after the day if that is not the day of `now`. */
export function formatMoment(atMs: number, now: number): string {
  const isToday = new Date(atMs).toDateString() === new Date(now).toDateString();
  return isToday ? formatClock(atMs) : `${day.format(atMs)}, ${formatClock(atMs)}`;
}

/** Date and time of day of an ISO 8601 time, in the browser's time zone; unknown if it is `null`. */
export function formatDateTime(iso: string | null): string {
  return iso === null ? UNKNOWN : dateTime.format(new Date(iso));
}

/** An age or a wait: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.round(seconds) % 60).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A coarse age that changes rarely: 40 s, 2 min, 3 h, 2 d. */
export function formatAge(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10 || Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** Metres per second as kilometres per hour. */
export function formatSpeed(metersPerSecond: number | null): string {
  return metersPerSecond === null ? UNKNOWN : `${Math.round(metersPerSecond * 3.6)} km/h`;
}

const compass = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'] as const;

/** Degrees clockwise from north, with the compass point. */
export function formatHeading(degrees: number | null): string {
  if (degrees === null) return UNKNOWN;
  return `${Math.round(degrees) % 360}° ${compass[Math.round(degrees / 45) % compass.length]}`;
}

export function formatPlace({ lat, lng }: { lat: number; lng: number }): string {
  return `${lat.toFixed(5)}, ${lng.toFixed(5)}`;
}

export function shortId(deviceId: string): string {
  return deviceId.slice(-SHORT_ID_LENGTH);
}

/** `trip_start` as words: trip start. */
export function inWords(name: string): string {
  return name.replaceAll('_', ' ');
}
