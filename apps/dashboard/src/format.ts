import { locale } from './locale/locale.js';
import { zoneName } from './locale/time-zone.js';
import { t } from './locale/text.js';

/** Formats of numbers, times, measures and places, in the language, units and time zone of the page. */

/** Shown for unknown values. */
export const UNKNOWN = '–';

/** Digits of a device id that are shown: UUIDs of version 7 differ at the end. */
const SHORT_ID_LENGTH = 6;

const METERS_PER_FOOT = 0.3048;
const METERS_PER_MILE = 1_609.344;
const SECONDS_PER_HOUR = 3_600;

export function formatCount(count: number): string {
  return locale.get().whole.format(count);
}

/** In a cell on the map: 940, 1.2k, 13k. */
export function formatShortCount(count: number): string {
  return count < 1000 ? String(count) : locale.get().compact.format(count);
}

export function formatShare(part: number, total: number): string {
  if (total === 0) return UNKNOWN;
  const percent = (100 * part) / total;
  return percent > 0 && percent < 1 ? '<1%' : `${Math.round(percent)}%`;
}

/** A battery level in percent. */
export function formatBattery(percent: number | null): string {
  return percent === null ? UNKNOWN : `${percent}%`;
}

/** The time of day; with the name of the time zone if it is not the browser's. */
export function formatClock(atMs: number): string {
  const { clock, timeZone } = locale.get();
  return timeZone === null ? clock.format(atMs) : `${clock.format(atMs)} ${zoneName(atMs)}`;
}

/** The time of day, after the day if that is not the day of `now`. */
export function formatMoment(atMs: number, now: number): string {
  const { day, dateTime } = locale.get();
  const dateOf = (moment: number) =>
    dateTime
      .formatToParts(moment)
      .filter(({ type }) => type === 'year' || type === 'month' || type === 'day')
      .map(({ value }) => value)
      .join();
  return dateOf(atMs) === dateOf(now) ? formatClock(atMs) : `${day.format(atMs)}, ${formatClock(atMs)}`;
}

/** A day. */
export function formatDay(atMs: number): string {
  return locale.get().day.format(atMs);
}

/** Date and time of day of an ISO 8601 time; unknown if it is `null`. */
export function formatDateTime(iso: string | null): string {
  if (iso === null) return UNKNOWN;
  const { dateTime, timeZone } = locale.get();
  const at = new Date(iso);
  return timeZone === null ? dateTime.format(at) : `${dateTime.format(at)} ${zoneName(at.getTime())}`;
}

/** An age or a wait: 0.4 s, 12 s, 3 min 05 s, 2 h 10 min. */
export function formatDuration(durationMs: number): string {
  const total = Math.max(0, durationMs) / 1000;
  // 9.95 would be written as 10.0.
  if (total < 9.95) return t('duration.seconds', { seconds: locale.get().oneDecimal.format(total) });
  if (total < 59.5) return t('duration.seconds', { seconds: Math.round(total) });
  const minutes = Math.floor(Math.round(total) / 60);
  if (minutes < 60) return t('duration.minutes', { minutes, seconds: twoDigits(Math.round(total) % 60) });
  return t('duration.hours', { hours: Math.floor(minutes / 60), minutes: twoDigits(minutes % 60) });
}

/** A coarse age that changes rarely: 40 s, 2 min, 3 h, 2 d. */
export function formatAge(durationMs: number): string {
  const seconds = Math.max(0, durationMs) / 1000;
  if (seconds < 60) {
    return t('duration.seconds', { seconds: Math.floor(seconds / 10) * 10 || Math.floor(seconds) });
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('duration.wholeMinutes', { minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return t('duration.wholeHours', { hours });
  return t('duration.wholeDays', { days: Math.floor(hours / 24) });
}

/** Metres per second as kilometres or miles per hour. */
export function formatSpeed(metersPerSecond: number | null): string {
  if (metersPerSecond === null) return UNKNOWN;
  const metersPerHour = metersPerSecond * SECONDS_PER_HOUR;
  return locale.get().units === 'metric'
    ? t('unit.kilometersPerHour', { value: Math.round(metersPerHour / 1_000) })
    : t('unit.milesPerHour', { value: Math.round(metersPerHour / METERS_PER_MILE) });
}

/** Kilometres per hour in the unit of the page, as a whole number. */
export function toShownSpeed(kilometersPerHour: number): number {
  return Math.round(kilometersPerHour / kilometersPerUnit());
}

/** The whole kilometres per hour of a speed in the unit of the page: the inverse of {@link toShownSpeed}. */
export function fromShownSpeed(speed: number): number {
  return Math.round(speed * kilometersPerUnit());
}

function kilometersPerUnit(): number {
  return locale.get().units === 'metric' ? 1 : METERS_PER_MILE / 1_000;
}

/** Metres as metres and kilometres, or as feet and miles. */
export function formatDistance(meters: number | null): string {
  if (meters === null) return UNKNOWN;
  const { units, oneDecimal } = locale.get();
  const isMetric = units === 'metric';
  const large = meters / (isMetric ? 1_000 : METERS_PER_MILE);
  if (large >= (isMetric ? 1 : 0.2)) {
    const value = oneDecimal.format(large);
    return isMetric ? t('unit.kilometers', { value }) : t('unit.miles', { value });
  }
  return isMetric
    ? t('unit.meters', { value: Math.round(meters) })
    : t('unit.feet', { value: Math.round(meters / METERS_PER_FOOT) });
}

/** Degrees clockwise from north, with the compass point. */
export function formatHeading(degrees: number | null): string {
  if (degrees === null) return UNKNOWN;
  const compass = t('compass.points').split(' ');
  return `${Math.round(degrees) % 360}° ${compass[Math.round(degrees / 45) % compass.length]}`;
}

export function formatPlace({ lat, lng }: { lat: number; lng: number }): string {
  return `${lat.toFixed(5)}, ${lng.toFixed(5)}`;
}

export function shortId(deviceId: string): string {
  return deviceId.slice(-SHORT_ID_LENGTH);
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/** `trip_start` as words: trip start. */
export function inWords(name: string): string {
  return name.replaceAll('_', ' ');
}
