const DAY_MS = 86_400_000;

/** Fixes that are separated from the recording by a longer gap have a wrong date. */
const MAX_GAP_MS = 366 * DAY_MS;

/** Minimum gap between the recording and outliers. */
const MIN_OUTLIER_GAP_MS = DAY_MS;

/** Maximum share of fixes at one end of the recording that can be outliers with a gap below {@link MAX_GAP_MS}. */
const MAX_OUTLIER_SHARE = 0.05;

/** The time from the first to the last of some fixes. */
interface Period {
  readonly firstMs: number;
  readonly lastMs: number;
  /** Number of fixes in the period. */
  readonly count: number;
}

/**
 * Finds the period that a trace covers. A few fixes with a wrong date (a clock that starts in 1970, the rollover of GPS
 * weeks, a mistyped year) must not shift all others. The rule:
 *
 * 1. The fixes are split at gaps of more than 366 days; the part with the most fixes is the recording.
 * 2. At each end of the recording, up to 5 % of its fixes are omitted if a gap separates them that is longer than a day and
 *    longer than the rest of the recording.
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

  /** Returns the period of the trace; `undefined` without fixes. */
  find(): Period | undefined {
    const days = [...this.days.values()].toSorted((a, b) => a.firstMs - b.firstMs);
    const recording = largest(splitAtGaps(days, MAX_GAP_MS));
    if (recording === undefined) return undefined;
    return withoutOutliers(splitAtGaps(recording, MIN_OUTLIER_GAP_MS).map(whole));
  }
}

/** Starts with the part that has the most fixes and adds its neighbours until the rest are outliers. */
function withoutOutliers(parts: readonly Period[]): Period {
  const total = countOf(parts);
  let from = parts.indexOf(parts.reduce((most, part) => (part.count > most.count ? part : most)));
  let to = from + 1;
  const isOutlier = (outside: readonly Period[], gapMs: number, core: Period): boolean =>
    countOf(outside) <= total * MAX_OUTLIER_SHARE && gapMs > core.lastMs - core.firstMs;
  for (let hasGrown = true; hasGrown;) {
    hasGrown = false;
    const core = whole(parts.slice(from, to));
    const [before, after] = [parts[from - 1], parts[to]];
    if (before !== undefined && !isOutlier(parts.slice(0, from), core.firstMs - before.lastMs, core)) {
      from -= 1;
      hasGrown = true;
    }
    if (after !== undefined && !isOutlier(parts.slice(to), after.firstMs - core.lastMs, core)) {
      to += 1;
      hasGrown = true;
    }
  }
  return whole(parts.slice(from, to));
}

function splitAtGaps(periods: readonly Period[], maxGapMs: number): Period[][] {
  const parts: Period[][] = [];
  let lastMs = -Infinity;
  for (const period of periods) {
    if (period.firstMs - lastMs > maxGapMs) parts.push([]);
    parts.at(-1)!.push(period);
    lastMs = period.lastMs;
  }
  return parts;
}

/** Returns the part with the most fixes; the latest of several with the same number. */
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
