import type {
  EvidenceCode,
  EvidenceValues,
  FeedFinding,
  FeedStatus,
  FindingSeverity,
} from '@hailstream/events/feeds';
import { problemOfReason, problems, type ProblemCode } from '@hailstream/events/plausibility';
import { evidenceSentence, type Evidence } from './evidence.js';
import { HOUR_MINUTES, MINUTE_MS } from './measure/feed.js';
import type { FeedMeasures, Measures } from './measure/measures.js';

/** A window with fewer events is not judged; the next longer one is. */
const LEAST_EVENTS = 20;

const clockProblems: readonly ProblemCode[] = ['local-time', 'clock-behind', 'past-events'];

const DAY_MS = 86_400_000;

/** If fewer events than this share of the usual number arrive, those that do may be the ones that were held up. */
const THIN_SHARE = 0.25;
const needAllEvents: ReadonlySet<ProblemCode> = new Set(['late', 'clock-behind', 'out-of-order']);

const severities: Readonly<Partial<Record<ProblemCode, FindingSeverity>>> = {
  late: 'warning',
  'clock-ahead': 'warning',
  'clock-behind': 'warning',
  'out-of-order': 'warning',
  'silent-vehicles': 'warning',
  'repeated-points': 'warning',
  duplicates: 'notice',
  'past-events': 'notice',
};

const order: readonly FindingSeverity[] = ['error', 'warning', 'notice'];

/** Returns the evidence for a problem in the measures of a window; `null` if they do not show it. */
type Judge = (measures: Measures) => Evidence | null;

interface Found {
  readonly evidence: Evidence;
  readonly since: number;
}

/**
 * Returns what is wrong with a feed, worst first; empty if it seems healthy. The thresholds are far above what mobile networks
 * and single faulty devices cause: a share of lost, late or invalid events of a few percent is usual.
 */
export function diagnose(feed: FeedMeasures): FeedFinding[] {
  const window = judgedWindow(feed);
  const evidence = new Map<ProblemCode, Found>();
  const isThin = window.events < THIN_SHARE * feed.usualRate * ((window.to - window.from) / 1_000);
  for (const [finding, judge] of judges) {
    if (isThin && needAllEvents.has(finding)) continue;
    const found = judge(window);
    if (found !== null) evidence.set(finding, { evidence: found, since: sinceWhen(feed, judge) });
  }
  for (const finding of problemsOfRejections(window)) {
    const judge: Judge = (measures) => rejections(measures, finding);
    const found = judge(window);
    if (found !== null && !evidence.has(finding)) {
      evidence.set(finding, { evidence: found, since: sinceWhen(feed, judge) });
    }
  }
  // Where a clock was set back, events seem to be out of order once.
  if (clockProblems.some((finding) => evidence.has(finding))) evidence.delete('out-of-order');
  const hasPast = evidence.has('past-events');
  const stop = stopped(feed, window);
  if (stop !== null) evidence.set('stopped', stop);
  const silence = stop !== null || hasPast || evidence.has('late') ? null : silentVehicles(feed, window);
  if (silence !== null) evidence.set('silent-vehicles', silence);
  return Array.from(evidence, ([finding, { evidence: measured, since }]) => ({
    finding,
    ...problems[finding],
    severity: severities[finding] ?? ('error' as const),
    evidence: evidenceSentence(measured),
    measured,
    since,
  })).sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity));
}

export function statusOf(feed: FeedMeasures, findings: readonly FeedFinding[]): FeedStatus {
  const [worst] = findings;
  if (worst !== undefined) return worst.severity;
  return feed.quarter.events < LEAST_EVENTS && feed.quarter.rejectedItems < LEAST_EVENTS
    ? 'unknown'
    : 'healthy';
}

/** The shortest window with enough events. */
function judgedWindow({ minute, quarter, hour }: FeedMeasures): Measures {
  const isEnough = ({ events, rejectedItems }: Measures) => events + rejectedItems >= LEAST_EVENTS;
  return [minute, quarter].find(isEnough) ?? hour;
}

/** The start of the earliest minute since which every minute with events shows the problem. */
function sinceWhen(feed: FeedMeasures, judge: Judge): number {
  let since = feed.minuteAgo(0).from;
  for (let back = 0; back < HOUR_MINUTES; back += 1) {
    const minute = feed.minuteAgo(back);
    if (minute.events + minute.rejectedItems === 0) continue;
    const isShown = judge(minute) !== null;
    // The current minute and the one in which it began may be too short to show it.
    if (!isShown && back > 1) break;
    if (isShown) since = minute.from;
  }
  return Math.max(since, feed.measuredSince);
}

const judges: readonly (readonly [ProblemCode, Judge])[] = [
  ['swapped-coordinates', (of) => shareOf('swapped-coordinates', of.swapped, of.counts.positions, 0.05)],
  ['wrong-sign', (of) => shareOf('wrong-sign', of.wrongSign, of.counts.positions, 0.05)],
  ['zero-position', ({ counts }) => shareOf('zero-position', counts.zeroPositions, counts.positions, 0.05)],
  ['speed-in-kmh', ({ counts }) => shareOf('speed-in-kmh', counts.ratiosInKilometres, counts.ratios, 0.3)],
  ['speed-in-mph', ({ counts }) => shareOf('speed-in-mph', counts.ratiosInMiles, counts.ratios, 0.5)],
  ['stuck-positions', stuck],
  ['id-reuse', (of) => shareOf('id-reuse', of.counts.reusedIds, of.events, 0.03)],
  ['fare-in-units', (of) => fares(of, 'faresInUnits', 'fares-too-low')],
  ['fare-too-high', (of) => fares(of, 'faresTooHigh', 'fares-too-high')],
  [
    'local-time',
    (of) => shareOf('late-by-hours', of.counts.localTime, of.events, 0.3, { hours: halfHours(of) }),
  ],
  ['clock-ahead', (of) => shareOf('received-before', of.counts.ahead, of.events, 0.2)],
  [
    'past-events',
    ({ events, lateness: { p50 } }) =>
      events > 0 && (p50 ?? 0) > DAY_MS ? { code: 'older-than', values: { halfMs: p50! } } : null,
  ],
  ['clock-behind', clockBehind],
  ['late', late],
  ['out-of-order', ({ counts }) => shareOf('out-of-order', counts.outOfOrder, counts.compared, 0.1)],
  ['repeated-points', ({ counts }) => shareOf('repeated-points', counts.repeats, counts.compared, 0.1)],
  ['duplicates', (of) => shareOf('duplicates', of.counts.duplicates, of.events, 0.05)],
];

/** At least this many, whatever the share. */
const LEAST_COUNT = 5;

function shareOf(
  code: EvidenceCode,
  part: number,
  total: number,
  threshold: number,
  further: EvidenceValues = {},
): Evidence | null {
  if (part < LEAST_COUNT || part < threshold * total) return null;
  return { code, values: { share: part / Math.max(1, total), part, total, ...further } };
}

function stuck({ counts: { moving, stuck: still, onTrip, stuckOnTrip } }: Measures): Evidence | null {
  return (
    shareOf('stuck-while-moving', still, moving, 0.2) ?? shareOf('stuck-on-trip', stuckOnTrip, onTrip, 0.5)
  );
}

/** Trips are rare: a few fares are enough if most of them agree. */
function fares(
  { counts }: Measures,
  name: 'faresInUnits' | 'faresTooHigh',
  code: EvidenceCode,
): Evidence | null {
  const [part, total] = [counts[name], counts.fares];
  return part >= 3 && part >= 0.6 * total ? { code, values: { part, total } } : null;
}

/** All events are late by about the same time, and not because the provider sends them late. */
function clockBehind(of: Measures): Evidence | null {
  const { p10, p50 } = of.lateness;
  if (p10 === null || p50 === null || !isShifted(of)) return null;
  return { code: 'late-by', values: { mostMs: p10, halfMs: p50 } };
}

/** Events are as far apart as they were received, but all are late. */
function isShifted({ events, counts, lateness, publication }: Measures): boolean {
  const { p10, p50 } = lateness;
  if (p10 === null || p50 === null || p10 < 8_000 || p50 > DAY_MS) return false;
  if (counts.localTime >= 0.3 * events || events < LEAST_COUNT) return false;
  const isSentLate = (publication.p50 ?? 0) > p50 / 2;
  return !isSentLate && counts.paced >= 0.6 * (counts.paced + counts.unpaced);
}

function late(of: Measures): Evidence | null {
  const { p50, p90, p99 } = of.lateness;
  if (p50 === null || p90 === null || of.events < LEAST_COUNT || p50 > DAY_MS) return null;
  if (isShifted(of) || of.counts.localTime >= 0.3 * of.events) return null;
  if (p50 < 15_000 && p90 < 60_000) return null;
  return { code: 'received-after', values: { halfMs: p50, fewMs: p99 ?? p90 } };
}

/** What is wrong in requests, not in single items. */
const bodyProblems: ReadonlySet<ProblemCode> = new Set(['not-a-list', 'too-many-items']);

/** The problems of the reasons of rejections. */
function problemsOfRejections({ rejected }: Measures): ReadonlySet<ProblemCode> {
  return new Set(Array.from(rejected.keys(), (reason) => problemOfReason(reason) ?? 'invalid-items'));
}

function rejections(of: Measures, problem: ProblemCode): Evidence | null {
  const received = of.accepted + of.rejectedItems;
  const reasons = [...of.rejected].filter(
    ([reason]) => (problemOfReason(reason) ?? 'invalid-items') === problem,
  );
  const count = reasons.reduce((sum, [, each]) => sum + each, 0);
  if (bodyProblems.has(problem)) {
    return count >= LEAST_COUNT ? { code: 'refused-requests', values: { part: count } } : null;
  }
  if (problem !== 'invalid-items') return shareOf('rejected-items', count, received, 0.05);
  const named = reasons.toSorted((one, other) => other[1] - one[1]).slice(0, 3);
  const words = named.map(([reason, each]) => `${reason} (${each})`).join(', ');
  return shareOf('rejected-for', count, received, 0.05, { reasons: words });
}

/** Without events for so long that many were expected meanwhile. */
function stopped(feed: FeedMeasures, window: Measures): Found | null {
  const { now, lastReceivedAt, usualRate, eventsSeen, expectedVehicles, vehicles } = feed;
  if (lastReceivedAt === null || eventsSeen < LEAST_EVENTS || isRejected(window)) return null;
  if (vehicles > 0 && expectedVehicles === 0) return null;
  const silentMs = now - lastReceivedAt;
  const isLong = silentMs >= 10 * MINUTE_MS || (silentMs >= 30_000 && (silentMs / 1_000) * usualRate >= 20);
  if (!isLong) return null;
  const evidence: Evidence =
    usualRate >= 0.05
      ? { code: 'silent-after', values: { silentMs, rate: Math.round(10 * usualRate) / 10 } }
      : { code: 'silent', values: { silentMs } };
  return { evidence, since: lastReceivedAt };
}

function silentVehicles(feed: FeedMeasures, window: Measures): Found | null {
  const { expectedVehicles, silent } = feed;
  if (silent.count < 3 || silent.count < 0.15 * expectedVehicles || isRejected(window)) return null;
  const values = { part: silent.count, total: expectedVehicles };
  return { evidence: { code: 'silent-vehicles', values }, since: silent.since ?? feed.now };
}

/** Whether rejected items explain that events are missing. */
function isRejected({ accepted, rejectedItems }: Measures): boolean {
  return rejectedItems >= LEAST_COUNT && rejectedItems >= 0.05 * (accepted + rejectedItems);
}

/** The median lateness in hours, to half an hour. */
function halfHours({ lateness }: Measures): number {
  return Math.round((lateness.p50 ?? 0) / 1_800_000) / 2;
}
