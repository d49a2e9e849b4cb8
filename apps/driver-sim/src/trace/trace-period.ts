const DAY_MS = 86_400_000;

/** A silence longer than this ends a recording: what is on its other side has a wrong date. */
const MAX_SILENCE_MS = 366 * DAY_MS;

/** A silence must be longer than this for the few fixes on its other side to be outliers. */
const MIN_OUTLIER_SILENCE_MS = DAY_MS;

/** Largest share of the fixes, on one side of the others, that can be outliers of less than {@link MAX_SILENCE_MS}. */
const MAX_OUTLIER_SHARE = 0.05;

/** From the first to the last of some fixes. */
export interface Period {
  readonly firstMs: number;
  readonly lastMs: number;
  /** Fixes within it. */
  readonly count: number;
}

/**
 * Finds the period that a trace is of, so that a few fixes with a wrong date (a clock that starts in 1970, the rollover of
 * GPS weeks, a mistyped year) do not decide when all the others happen. The rule:
 *
 * 1. Fixes are cut where none is for more than 366 days; the part with the most fixes is the recording.
 * 2. Of that part, at most 5 % of its fixes at each end are left out, if a silence longer than a day and longer than all
 *    the rest of the recording separates them from it.
 *
 * Memory is bounded by the number of days between the first and the last fix.
 */
export class PeriodFinder {
  private readonly days = new Map<number, Period>();

  add(timestampMs: number): void {
    const day = Math.floor(timestampMs / DAY_MS);
    const known = this.days.get(day);
    this.days.set(day, {
      firstMs: Math.min(known?.firstMs ?? Infinity, timestampMs),
      lastMs: Math.max(known?.lastMs ?? -Infinity, timestampMs),
      count: (known?.count ?? 0) + 1,
    });
  }

  /** The period of the trace; `undefined` if there is no fix. */
  find(): Period | undefined {
    const days = [...this.days.values()].toSorted((a, b) => a.firstMs - b.firstMs);
    const recording = largest(cutAtSilences(days, MAX_SILENCE_MS));
    if (recording === undefined) return undefined;
    return withoutFringes(cutAtSilences(recording, MIN_OUTLIER_SILENCE_MS).map(whole));
  }
}

/** Grows from the part with the most fixes outwards, up to a silence that only few fixes are beyond. */
function withoutFringes(parts: readonly Period[]): Period {
  const total = countOf(parts);
  let from = parts.indexOf(parts.reduce((most, part) => (part.count > most.count ? part : most)));
  let to = from + 1;
  const isFringe = (outside: readonly Period[], silenceMs: number, core: Period): boolean =>
    countOf(outside) <= total * MAX_OUTLIER_SHARE && silenceMs > core.lastMs - core.firstMs;
  for (let hasGrown = true; hasGrown;) {
    hasGrown = false;
    const core = whole(parts.slice(from, to));
    const [before, after] = [parts[from - 1], parts[to]];
    if (before !== undefined && !isFringe(parts.slice(0, from), core.firstMs - before.lastMs, core)) {
      from -= 1;
      hasGrown = true;
    }
    if (after !== undefined && !isFringe(parts.slice(to), after.firstMs - core.lastMs, core)) {
      to += 1;
      hasGrown = true;
    }
  }
  return whole(parts.slice(from, to));
}

function cutAtSilences(periods: readonly Period[], longestMs: number): Period[][] {
  const parts: Period[][] = [];
  let lastMs = -Infinity;
  for (const period of periods) {
    if (period.firstMs - lastMs > longestMs) parts.push([]);
    parts.at(-1)!.push(period);
    lastMs = period.lastMs;
  }
  return parts;
}

/** The part with the most fixes; the latest of several. */
function largest(parts: readonly Period[][]): Period[] | undefined {
  return parts.reduce<Period[] | undefined>(
    (most, part) => (most === undefined || countOf(part) >= countOf(most) ? part : most),
    undefined,
  );
}

function whole(periods: readonly Period[]): Period {
  return { firstMs: periods[0]!.firstMs, lastMs: periods.at(-1)!.lastMs, count: countOf(periods) };
}

function countOf(periods: readonly Period[]): number {
  return periods.reduce((sum, { count }) => sum + count, 0);
}
