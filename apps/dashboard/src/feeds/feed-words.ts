import type { FeedFinding, FeedHealth, FeedStatus, FeedWindow } from '@hailstream/events/feeds';
import { formatCount, formatDuration, formatShare, UNKNOWN } from '../format.js';
import { locale } from '../locale/locale.js';
import { serviceSentence } from '../service-sentence.js';
import { t } from '../locale/text.js';
import type { FindingTexts, MessageKey } from '../messages/messages.js';

/** Worst first. */
const statuses = [
  'error',
  'warning',
  'notice',
  'healthy',
  'unknown',
] as const satisfies readonly FeedStatus[];

/** How many feeds have each status: "1 faulty, 2 healthy". */
export function summaryWords(feeds: readonly FeedHealth[]): string {
  if (feeds.length === 0) return t('feeds.none');
  const parts = statuses.flatMap((status) => {
    const count = feeds.filter((feed) => feed.status === status).length;
    const words = t(`feed.status.${status}`).toLowerCase();
    return count === 0 ? [] : [t('feeds.statusCount', { count: formatCount(count), status: words })];
  });
  return parts.join(', ');
}

/** Title, cause and fix of a finding in the current language; those of the service for one that a newer service sends. */
export function findingTexts({ finding, title, cause, fix }: FeedFinding): FindingTexts[keyof FindingTexts] {
  const translated = locale.get().service?.findings[finding] as FindingTexts[keyof FindingTexts] | undefined;
  return translated ?? [title, cause, fix];
}

/** What shows a finding, in the current language; the sentence of the service if it has no translation. */
export function evidenceWords({ evidence, measured }: FeedFinding): string {
  return serviceSentence('evidence', measured) ?? evidence;
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

/**
 * How late half of the events (`p50`), or all but one of a hundred (`p99`), are. The service counts events of clocks that are
 * ahead as not late: if most are, that is shown instead.
 */
export function latenessWords({ lateness, aheadShare }: FeedWindow, percentile: 'p50' | 'p99'): string {
  const ms = lateness[percentile];
  return ms === 0 && (aheadShare ?? 0) > 0.5 ? t('feeds.ahead') : timeWords(ms);
}

function timeWords(ms: number | null): string {
  return ms === null ? UNKNOWN : formatDuration(ms);
}

/** The end of the key of the name of a measure. */
type MeasureName<Key> = Key extends `feed.measure.${infer Name}` ? Name : never;

interface MeasureRow {
  readonly name: Exclude<MeasureName<MessageKey>, 'events' | 'eventsIn'>;
  readonly value: (window: FeedWindow) => string;
}

/** The measures of a window, as rows of a table. */
export const measureRows: readonly MeasureRow[] = [
  { name: 'latenessP50', value: (of) => latenessWords(of, 'p50') },
  { name: 'latenessP99', value: (of) => latenessWords(of, 'p99') },
  { name: 'publicationP50', value: (of) => timeWords(of.publicationLateness.p50) },
  { name: 'publicationP99', value: (of) => timeWords(of.publicationLateness.p99) },
  { name: 'rejected', value: (of) => shareWords(of.rejectedShare) },
  { name: 'outOfOrder', value: (of) => shareWords(of.outOfOrderShare) },
  { name: 'duplicates', value: (of) => shareWords(of.duplicateShare) },
  { name: 'reusedIds', value: (of) => shareWords(of.reusedIdShare) },
  { name: 'repeated', value: (of) => shareWords(of.repeatedShare) },
  { name: 'ahead', value: (of) => shareWords(of.aheadShare) },
  { name: 'swapped', value: (of) => shareWords(of.swappedShare) },
  { name: 'wrongSign', value: (of) => shareWords(of.wrongSignShare) },
  { name: 'zeroPosition', value: (of) => shareWords(of.zeroPositionShare) },
  { name: 'stuck', value: (of) => shareWords(of.stuckShare) },
  {
    name: 'speedRatio',
    value: ({ speedRatio }) =>
      speedRatio === null ? UNKNOWN : `${locale.get().oneDecimal.format(speedRatio)} ×`,
  },
  { name: 'fareScale', value: (of) => shareWords(of.fareScaleShare) },
];
