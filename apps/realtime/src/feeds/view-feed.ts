import { eventRegistry, type FamilyName } from '@hailstream/events';
import type {
  FeedFinding,
  FeedHealth,
  FeedStatus,
  FeedWindow,
  FeedWindowName,
} from '@hailstream/events/feeds';
import { statusOf } from './diagnose.js';
import { HOUR_MINUTES } from './measure/feed.js';
import type { FeedMeasures, Measures } from './measure/measures.js';

/** Maximum number of reasons of rejections in a window. */
const MAX_REASONS = 10;

const statusOrder: readonly FeedStatus[] = ['error', 'warning', 'notice', 'healthy', 'unknown'];

/** The measures and findings of a feed as they are sent. */
export function viewFeed(
  providerId: string,
  feed: FeedMeasures,
  findings: readonly FeedFinding[],
): FeedHealth {
  const minutes = Array.from({ length: HOUR_MINUTES }, (_, index) => {
    const minute = feed.minuteAgo(HOUR_MINUTES - 1 - index);
    return minute.to < feed.measuredSince ? null : minute;
  });
  return {
    provider_id: providerId,
    status: statusOf(feed, findings),
    measuredSince: feed.measuredSince,
    lastReceivedAt: feed.lastReceivedAt,
    vehicles: feed.vehicles,
    silentVehicles: feed.silent.count,
    silentDeviceIds: feed.silent.ids,
    findings,
    windows: [
      viewWindow('1m', feed.minute, feed),
      viewWindow('15m', feed.quarter, feed),
      viewWindow('1h', feed.hour, feed),
    ],
    minutes: {
      from: feed.minuteAgo(HOUR_MINUTES - 1).from,
      eventsPerSecond: minutes.map((of) => (of === null ? null : of.events / secondsOf(of, feed))),
      latenessP50: minutes.map((of) => of?.lateness.p50 ?? null),
      latenessP99: minutes.map((of) => of?.lateness.p99 ?? null),
      rejectedShare: minutes.map((of) =>
        of === null ? null : shareOf(of.rejectedItems, of.accepted + of.rejectedItems),
      ),
    },
  };
}

/** Worst first, then by id. */
export function viewOrder(one: FeedHealth, other: FeedHealth): number {
  const byStatus = statusOrder.indexOf(one.status) - statusOrder.indexOf(other.status);
  return byStatus !== 0 ? byStatus : one.provider_id < other.provider_id ? -1 : 1;
}

function viewWindow(name: FeedWindowName, of: Measures, feed: FeedMeasures): FeedWindow {
  const { counts, lateness, publication } = of;
  const received = of.accepted + of.rejectedItems;
  return {
    name,
    measuredMs: secondsOf(of, feed) * 1_000,
    eventsPerSecond: Object.fromEntries(
      eventRegistry.families.map(({ name: family, topic }) => [
        topic.name,
        of.byFamily[family as FamilyName] / secondsOf(of, feed),
      ]),
    ),
    events: of.events,
    lateness: { p50: lateness.p50, p99: lateness.p99 },
    publicationLateness: publication,
    outOfOrderShare: shareOf(counts.outOfOrder, counts.compared),
    duplicateShare: shareOf(counts.duplicates, of.events),
    reusedIdShare: shareOf(counts.reusedIds, of.events),
    repeatedShare: shareOf(counts.repeats, counts.compared),
    aheadShare: shareOf(counts.ahead, of.events),
    swappedShare: shareOf(of.swapped, counts.positions),
    wrongSignShare: shareOf(of.wrongSign, counts.positions),
    zeroPositionShare: shareOf(counts.zeroPositions, counts.positions),
    speedRatio: of.speedRatio,
    stuckShare: shareOf(counts.stuck + counts.stuckOnTrip, counts.moving + counts.onTrip),
    fareScaleShare: shareOf(counts.faresInUnits + counts.faresTooHigh, counts.fares),
    received,
    rejectedShare: shareOf(of.rejectedItems, received),
    rejectedByReason: [...of.rejected]
      .map(([reason, count]) => ({ reason, count }))
      .toSorted((one, other) => other.count - one.count || (one.reason < other.reason ? -1 : 1))
      .slice(0, MAX_REASONS),
  };
}

function shareOf(part: number, total: number): number | null {
  return total === 0 ? null : part / total;
}

/** Seconds of a window in which the feed was measured, at least one. */
function secondsOf({ from, to }: Measures, { measuredSince }: FeedMeasures): number {
  return Math.max(1_000, to - Math.max(from, measuredSince)) / 1_000;
}
