const DAY_MS = 86_400_000;

/** Offsets of zones change at most at full quarters of an hour. */
const OFFSET_PERIOD_MS = 900_000;

/** Maximum number of remembered offsets: 28 years of quarters of an hour. */
const MAX_REMEMBERED = 1_000_000;

/** Why two wall-clock times are not a period: the clocks never showed one of them, or the end is before the start. */
type PeriodProblem = 'nonexistent' | 'backwards';

/** Converts wall-clock times of a time zone, with its daylight saving time, to instants. */
export class LocalClock {
  private readonly format: Intl.DateTimeFormat;
  private readonly offsets = new Map<number, number>();

  /** `timeZone` is a name of the IANA database. */
  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /**
   * Returns the instants at which the clocks showed a time, earliest first: one; two while clocks are set back; none if it was
   * skipped when clocks were set forward. `wallMs` is the wall-clock time as if it were UTC.
   */
  instantsOf(wallMs: number): number[] {
    const offsets = new Set([this.offsetMs(wallMs - DAY_MS), this.offsetMs(wallMs + DAY_MS)]);
    return [...offsets]
      .map((offset) => wallMs - offset)
      .filter((instant) => instant + this.offsetMs(instant) === wallMs)
      .toSorted((a, b) => a - b);
  }

  /**
   * Returns the instants of a start and an end. If clocks showed one of the times twice, these are the ones with the shortest
   * duration, and the earliest of several with the same.
   */
  periodOf(
    startWallMs: number,
    endWallMs: number,
  ): { readonly startMs: number; readonly endMs: number } | PeriodProblem {
    const starts = this.instantsOf(startWallMs);
    const ends = this.instantsOf(endWallMs);
    if (starts.length === 0 || ends.length === 0) return 'nonexistent';
    let shortest: { startMs: number; endMs: number } | undefined;
    for (const startMs of starts) {
      for (const endMs of ends) {
        if (endMs < startMs) continue;
        if (shortest === undefined || endMs - startMs < shortest.endMs - shortest.startMs) {
          shortest = { startMs, endMs };
        }
      }
    }
    return shortest ?? 'backwards';
  }

  /** Offset of the zone from UTC at an instant. */
  private offsetMs(instantMs: number): number {
    const period = Math.floor(instantMs / OFFSET_PERIOD_MS);
    const known = this.offsets.get(period);
    if (known !== undefined) return known;
    if (this.offsets.size >= MAX_REMEMBERED) this.offsets.clear();
    const at = period * OFFSET_PERIOD_MS;
    const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.format.formatToParts(at)) parts[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - at;
    this.offsets.set(period, offset);
    return offset;
  }
}

/** `2019-01-31 23:59:59`, with a space or a T, without seconds or with decimals; a trailing UTC is ignored. */
const ISO_LIKE = /^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?UTC|Z)?$/;

/** `01/31/2019 11:59:59 PM`. */
const AMERICAN = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{2})(?::(\d{2}))? ?([AP])M$/i;

/** Parses a wall-clock time. Returns it as if it were UTC, in milliseconds; `undefined` if it is not a time. */
export function parseWallTime(text: string): number | undefined {
  const iso = ISO_LIKE.exec(text);
  if (iso !== null) {
    const [year, month, day, hour, minute, second] = iso.slice(1).map(toNumber);
    return wallTime({ year: year!, month: month!, day: day!, hour: hour!, minute: minute!, second: second! });
  }
  const american = AMERICAN.exec(text);
  if (american === null) return undefined;
  const [month, day, year, hour, minute, second] = american.slice(1, 7).map(toNumber);
  if (hour! < 1 || hour! > 12) return undefined;
  const isAfternoon = american[7]!.toUpperCase() === 'P';
  return wallTime({
    year: year!,
    month: month!,
    day: day!,
    hour: (hour! % 12) + (isAfternoon ? 12 : 0),
    minute: minute!,
    second: second!,
  });
}

function wallTime(time: {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}): number | undefined {
  const { year, month, day, hour, minute, second } = time;
  const wallMs = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(wallMs);
  // Date.UTC continues into the next unit: 31 February would be 3 March.
  const isSame =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  return isSame ? wallMs : undefined;
}

/** A part of a time that may be missing. */
function toNumber(part: string | undefined): number {
  return Number(part ?? 0);
}
