import { locale } from './locale.js';

/** Whether the runtime knows a time zone of this name. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Milliseconds by which the clocks of the chosen time zone are ahead of UTC at a moment. */
export function zoneOffsetMs(atMs: number): number {
  const field = Object.fromEntries(
    locale
      .get()
      .fields.formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year, month, day, hour, minute, second } = field as Record<string, number>;
  return Date.UTC(year!, month! - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

/** The short name of the chosen time zone at a moment, such as UTC or GMT+9. */
export function zoneName(atMs: number): string {
  return (
    locale
      .get()
      .zoneName.formatToParts(atMs)
      .find(({ type }) => type === 'timeZoneName')?.value ?? ''
  );
}
