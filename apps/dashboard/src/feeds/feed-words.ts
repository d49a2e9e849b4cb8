import type { FeedHealth, FeedStatus, FeedWindow, FindingSeverity } from '@hailstream/events/feeds';
import { formatCount, formatDuration, formatShare, UNKNOWN } from '../format.js';

/** The words for a status; its shape differs as well, so that it does not depend on colours. */
export const statusWords: Readonly<Record<FeedStatus, string>> = {
  error: 'Faulty',
  warning: 'Impaired',
  notice: 'Note',
  healthy: 'Healthy',
  unknown: 'Too few events',
};

export const severityWords: Readonly<Record<FindingSeverity, string>> = {
  error: 'Error',
  warning: 'Warning',
  notice: 'Note',
};

/** How many feeds have each status: "1 faulty, 2 healthy". */
export function summaryWords(feeds: readonly FeedHealth[]): string {
  if (feeds.length === 0) return 'no provider has sent events';
  const statuses = Object.keys(statusWords) as FeedStatus[];
  const parts = statuses.flatMap((status) => {
    const count = feeds.filter((feed) => feed.status === status).length;
    return count === 0 ? [] : [`${formatCount(count)} ${statusWords[status].toLowerCase()}`];
  });
  return parts.join(', ');
}

/** A share from 0 to 1 in percent. */
export function shareWords(share: number | null): string {
  return share === null ? UNKNOWN : formatShare(share, 1);
}

export function rateWords(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 9.95 ? perSecond.toFixed(perSecond < 0.095 ? 2 : 1) : formatCount(Math.round(perSecond));
}

/** All topics together. */
export function totalRate({ eventsPerSecond }: FeedWindow): number {
  return Object.values(eventsPerSecond).reduce((sum, rate) => sum + rate, 0);
}

export function timeWords(ms: number | null): string {
  return ms === null ? UNKNOWN : formatDuration(ms);
}

interface MeasureRow {
  readonly label: string;
  readonly value: (window: FeedWindow) => string;
}

/** The measures of a window, as rows of a table. */
export const measureRows: readonly MeasureRow[] = [
  { label: 'Lateness, half of the events', value: ({ lateness }) => timeWords(lateness.p50) },
  { label: 'Lateness, 99 of 100', value: ({ lateness }) => timeWords(lateness.p99) },
  { label: 'From publication, half', value: (of) => timeWords(of.publicationLateness.p50) },
  { label: 'From publication, 99 of 100', value: (of) => timeWords(of.publicationLateness.p99) },
  { label: 'Rejected items', value: (of) => shareWords(of.rejectedShare) },
  { label: 'Out of order', value: (of) => shareWords(of.outOfOrderShare) },
  { label: 'Duplicates', value: (of) => shareWords(of.duplicateShare) },
  { label: 'Reused ids', value: (of) => shareWords(of.reusedIdShare) },
  { label: 'Repeated points', value: (of) => shareWords(of.repeatedShare) },
  { label: 'Clock ahead', value: (of) => shareWords(of.aheadShare) },
  { label: 'Swapped coordinates', value: (of) => shareWords(of.swappedShare) },
  { label: 'Wrong sign', value: (of) => shareWords(of.wrongSignShare) },
  { label: 'Position 0, 0', value: (of) => shareWords(of.zeroPositionShare) },
  { label: 'Stuck positions', value: (of) => shareWords(of.stuckShare) },
  {
    label: 'Speed, reported to moved',
    value: ({ speedRatio }) => (speedRatio === null ? UNKNOWN : `${speedRatio.toFixed(1)} ×`),
  },
  { label: 'Fares off by 100', value: (of) => shareWords(of.fareScaleShare) },
];
