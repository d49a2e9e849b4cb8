import {
  firstDateOf,
  periodNameOf,
  type ReportPeriodKind,
  reportPeriodKinds,
} from '@hailstream/events/reports';

/** The kind of a period by its name; `undefined` if it is not one. */
export function kindOfPeriod(name: string): ReportPeriodKind | undefined {
  return reportPeriodKinds.find((kind) => firstDateOf(kind, name) !== undefined);
}

/** The period that contains the present, in a time zone. */
export function currentPeriod(kind: ReportPeriodKind, timeZone: string, now = Date.now()): string {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(now);
  return periodNameOf(kind, firstDateOf('day', parts)!);
}

/**
 * The time zone of reports: that of the page, or of the browser if it is `null`. Figures are stored per hour of UTC, so a zone
 * whose hours begin at other minutes has reports in UTC.
 */
export function reportTimeZone(chosen: string | null, now = Date.now()): string {
  const timeZone = chosen ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const offset = format.formatToParts(now).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  return /:[0-9]*[1-9]/.test(offset) ? 'UTC' : timeZone;
}
