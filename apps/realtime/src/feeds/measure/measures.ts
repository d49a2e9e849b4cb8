import type { FamilyName } from '@hailstream/events';
import { mistakeOfCell, type Cell } from '@hailstream/events/plausibility';
import type { Feed } from './feed.js';
import { FINE_MS, FINE_SLOTS, HOUR_MINUTES, MINUTE_MS } from './feed.js';
import { medianRatio, quantile } from './histogram.js';
import type { Received } from './rejections.js';
import type { CountName, Slot } from './slot.js';

/** What was measured of a feed from one time to another, by receipt. Times are in milliseconds. */
export interface Measures {
  readonly from: number;
  readonly to: number;
  readonly events: number;
  readonly byFamily: Readonly<Record<FamilyName, number>>;
  readonly counts: Readonly<Record<CountName, number>>;
  readonly swapped: number;
  readonly wrongSign: number;
  /** Of events that were not received before, without reports of trips; `null` without events. */
  readonly lateness: Readonly<Record<'p10' | 'p50' | 'p90' | 'p99', number | null>>;
  readonly publication: Readonly<Record<'p50' | 'p99', number | null>>;
  /** Median; `null` if it is not known. */
  readonly speedRatio: number | null;
  readonly accepted: number;
  readonly rejected: ReadonlyMap<string, number>;
  readonly rejectedItems: number;
}

/** The measures of a feed as of a time. */
export interface FeedMeasures {
  readonly now: number;
  /** The feed is measured since then. */
  readonly measuredSince: number;
  readonly lastReceivedAt: number | null;
  /** Since {@link measuredSince}. */
  readonly eventsSeen: number;
  readonly minute: Measures;
  readonly quarter: Measures;
  readonly hour: Measures;
  /** Measures of the minute `back` minutes ago; 0 is the current one, which is not complete. */
  readonly minuteAgo: (back: number) => Measures;
  /** Events per second in the 15 minutes before the last event. */
  readonly usualRate: number;
  readonly vehicles: number;
  readonly expectedVehicles: number;
  readonly silent: { readonly count: number; readonly ids: readonly string[]; readonly since: number | null };
}

const QUARTER_MINUTES = 15;

/** Maximum number of ids of silent vehicles in a response. */
const MAX_SILENT_IDS = 10;

export function measure(feed: Feed, now: number, isExpected: (cell: Cell) => boolean): FeedMeasures {
  const mistakes = new Map<Cell, ReturnType<typeof mistakeOfCell>>();
  const mistakeOf = (cell: Cell) => {
    if (!mistakes.has(cell)) mistakes.set(cell, mistakeOfCell(cell, isExpected));
    return mistakes.get(cell);
  };
  const of = (slot: Slot, from: number, to: number): Measures =>
    measureSlot(slot, { from, to, received: feed.rejections.between(from, to), mistakeOf });
  const minutesBack = (count: number): Measures =>
    of(feed.minutes.sum(now, count), startOfMinute(now) - (count - 1) * MINUTE_MS, now);
  const lastReceivedAt = feed.lastReceivedAt;
  return {
    now,
    measuredSince: feed.firstReceivedAt ?? feed.rejections.newestMinute ?? now,
    lastReceivedAt,
    eventsSeen: feed.events,
    minute: of(
      feed.fine.sum(now, FINE_SLOTS),
      Math.floor(now / FINE_MS) * FINE_MS - (FINE_SLOTS - 1) * FINE_MS,
      now,
    ),
    quarter: minutesBack(QUARTER_MINUTES),
    hour: minutesBack(HOUR_MINUTES),
    minuteAgo: (back) => {
      const from = startOfMinute(now) - back * MINUTE_MS;
      return of(feed.minutes.sum(from, 1), from, Math.min(now, from + MINUTE_MS - 1));
    },
    usualRate: usualRate(feed, lastReceivedAt ?? now),
    ...measureVehicles(feed, now),
  };
}

function measureSlot(
  slot: Slot,
  {
    from,
    to,
    received,
    mistakeOf,
  }: {
    readonly from: number;
    readonly to: number;
    readonly received: Received;
    readonly mistakeOf: (cell: Cell) => string | null | undefined;
  },
): Measures {
  let [swapped, wrongSign] = [0, 0];
  for (const [cell, count] of slot.cells()) {
    const mistake = mistakeOf(cell);
    if (mistake === 'swapped-coordinates') swapped += count;
    if (mistake === 'wrong-sign') wrongSign += count;
  }
  const { lateness, publication } = slot;
  return {
    from,
    to,
    events: slot.events,
    byFamily: slot.byFamily(),
    counts: slot.all(),
    swapped,
    wrongSign,
    lateness: {
      p10: quantile(lateness, 0.1),
      p50: quantile(lateness, 0.5),
      p90: quantile(lateness, 0.9),
      p99: quantile(lateness, 0.99),
    },
    publication: { p50: quantile(publication, 0.5), p99: quantile(publication, 0.99) },
    speedRatio: medianRatio(slot.ratios),
    accepted: received.accepted,
    rejected: received.rejected,
    rejectedItems: [...received.rejected.values()].reduce((sum, count) => sum + count, 0),
  };
}

function measureVehicles(
  feed: Feed,
  now: number,
): Pick<FeedMeasures, 'vehicles' | 'expectedVehicles' | 'silent'> {
  let expectedVehicles = 0;
  let vehicles = 0;
  const silent: { id: string; since: number }[] = [];
  for (const [id, device] of feed.devices) {
    if (device.receivedAt === null) continue;
    vehicles += 1;
    if (!device.isExpected) continue;
    expectedVehicles += 1;
    if (device.isSilent(now)) silent.push({ id, since: device.receivedAt });
  }
  silent.sort((one, other) => one.since - other.since || (one.id < other.id ? -1 : 1));
  return {
    vehicles,
    expectedVehicles,
    silent: {
      count: silent.length,
      ids: silent.slice(0, MAX_SILENT_IDS).map(({ id }) => id),
      since: silent[Math.floor(silent.length / 2)]?.since ?? null,
    },
  };
}

/** Without the minute of the last event, which may not be complete, if there are others. */
function usualRate(feed: Feed, lastReceivedAt: number): number {
  const before = lastReceivedAt - MINUTE_MS;
  const minutes = Math.min(
    QUARTER_MINUTES,
    Math.floor(
      (startOfMinute(lastReceivedAt) - startOfMinute(feed.firstReceivedAt ?? lastReceivedAt)) / MINUTE_MS,
    ),
  );
  if (minutes < 1) return feed.minutes.sum(lastReceivedAt, 1).events / (MINUTE_MS / 1_000);
  return feed.minutes.sum(before, minutes).events / ((minutes * MINUTE_MS) / 1_000);
}

function startOfMinute(time: number): number {
  return Math.floor(time / MINUTE_MS) * MINUTE_MS;
}
