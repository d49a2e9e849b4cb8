const DAY_MS = 86_400_000;

/** Periods of reports. Weeks are those of ISO 8601, from Monday. */
export const reportPeriodKinds = ['day', 'week', 'month'] as const;
export type ReportPeriodKind = (typeof reportPeriodKinds)[number];

/** A calendar date, as midnight in UTC in milliseconds. */
type DateMs = number;

/** The first date of a period, such as `2026-03-01`, `2026-W09` or `2026-03`; `undefined` if it is not one of the kind. */
export function firstDateOf(kind: ReportPeriodKind, name: string): DateMs | undefined {
  switch (kind) {
    case 'day':
      return dateOf(name);
    case 'month':
      return /^\d{4}-\d{2}$/.test(name) ? dateOf(`${name}-01`) : undefined;
    case 'week': {
      const [, year = '', week = ''] = /^(\d{4})-W(\d{2})$/.exec(name) ?? [];
      const first = firstWeekOf(Number(year)) + (Number(week) - 1) * 7 * DAY_MS;
      return year !== '' && periodNameOf('week', first) === name ? first : undefined;
    }
  }
}

/** The name of the period that contains a date. */
export function periodNameOf(kind: ReportPeriodKind, date: DateMs): string {
  const iso = new Date(date).toISOString();
  if (kind === 'day') return iso.slice(0, 10);
  if (kind === 'month') return iso.slice(0, 7);
  const monday = mondayOf(date);
  // A week belongs to the year of its Thursday.
  const year = new Date(monday + 3 * DAY_MS).getUTCFullYear();
  const week = Math.round((monday - firstWeekOf(year)) / (7 * DAY_MS)) + 1;
  return `${String(year).padStart(4, '0')}-W${String(week).padStart(2, '0')}`;
}

/** The name of the period that is `by` periods later. The name is valid. */
export function shiftedPeriod(kind: ReportPeriodKind, name: string, by: number): string {
  const first = firstDateOf(kind, name)!;
  if (kind !== 'month') return periodNameOf(kind, first + by * (kind === 'day' ? 1 : 7) * DAY_MS);
  const date = new Date(first);
  date.setUTCMonth(date.getUTCMonth() + by);
  return periodNameOf('month', date.getTime());
}

function dateOf(name: string): DateMs | undefined {
  const date = /^\d{4}-\d{2}-\d{2}$/.test(name) ? Date.parse(`${name}T00:00:00Z`) : Number.NaN;
  // The date parser accepts February 30.
  return Number.isNaN(date) || new Date(date).toISOString().slice(0, 10) !== name ? undefined : date;
}

/** Monday of the first week of a year: that of January 4. */
function firstWeekOf(year: number): DateMs {
  const january4 = new Date(0);
  january4.setUTCFullYear(year, 0, 4);
  return mondayOf(january4.getTime());
}

function mondayOf(date: DateMs): DateMs {
  return date - ((new Date(date).getUTCDay() + 6) % 7) * DAY_MS;
}
