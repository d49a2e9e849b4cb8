import {
  firstDateOf,
  reportPeriodKinds,
  shiftedPeriod,
  type ReportPeriod,
  type ReportPeriodKind,
} from '@hailstream/events/reports';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Describes what {@link parsePeriod} accepts, by kind. */
const EXPECTED: Readonly<Record<ReportPeriodKind, string>> = {
  day: 'a day such as 2026-03-01',
  week: 'a week such as 2026-W09',
  month: 'a month such as 2026-03',
};

/** An invalid period, time zone or zone of a report. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  readonly code = 'REPORT_INVALID';
  readonly retryable = false;

  /** @param field the option or query parameter, without dashes */
  constructor(
    readonly field: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The period with this name, such as `2026-W09`, in a time zone of IANA.
 *
 * @throws ReportError if the name is not one of the kind, or hours of the time zone do not begin with hours of UTC
 */
export function parsePeriod(kind: ReportPeriodKind, name: string, timeZone: string): ReportPeriod {
  if (firstDateOf(kind, name) === undefined)
    throw new ReportError(kind, `expected ${EXPECTED[kind]}, got "${name}"`);
  return periodNamed(kind, name, timeZone);
}

/** The period before this one, of the same kind. */
export function previousPeriod({ kind, name, timeZone }: ReportPeriod): ReportPeriod {
  return periodNamed(kind, shiftedPeriod(kind, name, -1), timeZone);
}

/** The starts of the intervals of a period, in milliseconds: the hours of a day, the days of a week or month. */
export function intervalStarts({ kind, name, timeZone, from, to }: ReportPeriod): number[] {
  const end = Date.parse(to);
  const starts: number[] = [];
  if (kind === 'day') {
    for (let start = Date.parse(from); start < end; start += HOUR_MS) starts.push(start);
    return starts;
  }
  for (let date = firstDateOf(kind, name)!; ; date += DAY_MS) {
    const start = startOfDate(date, timeZone);
    if (start >= end) return starts;
    starts.push(start);
  }
}

/** The kind that is given, of several options or query parameters. @throws ReportError unless it is exactly one */
export function givenPeriod(values: Readonly<Partial<Record<ReportPeriodKind, string>>>): {
  readonly kind: ReportPeriodKind;
  readonly name: string;
} {
  const given = reportPeriodKinds.filter((kind) => values[kind] !== undefined);
  const [kind] = given;
  if (kind !== undefined && given.length === 1) return { kind, name: values[kind]! };
  throw new ReportError('day', `expected one of day, week and month, got ${given.join(' and ') || 'none'}`);
}

function periodNamed(kind: ReportPeriodKind, name: string, timeZone: string): ReportPeriod {
  const next = shiftedPeriod(kind, name, 1);
  return {
    kind,
    name,
    timeZone,
    from: new Date(startOfDate(firstDateOf(kind, name)!, timeZone)).toISOString(),
    to: new Date(startOfDate(firstDateOf(kind, next)!, timeZone)).toISOString(),
  };
}

/** The moment at which a date, given as midnight in UTC, begins in a time zone. */
function startOfDate(date: number, timeZone: string): number {
  // The offset before the start of the date may be another one: the second step uses the offset at the start.
  const guess = date - offsetMs(date, timeZone);
  const start = date - offsetMs(guess, timeZone);
  if (start % HOUR_MS === 0) return start;
  throw new ReportError(
    'time_zone',
    `expected a time zone that differs from UTC by whole hours, got "${timeZone}": figures are stored per hour of UTC`,
  );
}

function offsetMs(timeMs: number, timeZone: string): number {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    const name = format.formatToParts(timeMs).find(({ type }) => type === 'timeZoneName')!.value;
    const [, sign = '+', hours = '0', minutes = '0'] = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name)!;
    return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  } catch (error) {
    throw new ReportError(
      'time_zone',
      `expected a time zone such as America/Los_Angeles, got "${timeZone}"`,
      { cause: error },
    );
  }
}
