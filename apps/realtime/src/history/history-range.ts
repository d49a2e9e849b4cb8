import type { HistoryOrder, HistoryRange } from '@hailstream/events/live';
import type { ProviderFilter } from '../fold/city-state.js';
import type { KeyframeHeader } from '../archive/keyframe.js';
import { MINUTE_MS, type Activity } from '../log/activity.js';

/** Maximum number of intervals in a response. */
export const MAX_INTERVALS = 1_000;

/**
 * The earliest moment that can be shown: that of the oldest keyframe or, if the keyframe has no events, that of the first
 * event. `null` without events.
 */
export function earliestMoment(
  by: HistoryOrder,
  { oldest, activity }: { readonly oldest: KeyframeHeader | null; readonly activity: Activity },
): number | null {
  const first = activity.firstMinute(by);
  if (oldest === null || first === null) return null;
  return oldest.latest[by] ?? Math.max(first, oldest.since ?? first);
}

/** Counts of events from `from` to `to`, in at most `intervals` intervals of whole minutes. */
export function activityOf(
  activity: Activity,
  {
    by,
    filter,
    from,
    to,
    intervals,
  }: {
    readonly by: HistoryOrder;
    readonly filter: ProviderFilter;
    readonly from: number;
    readonly to: number;
    readonly intervals: number;
  },
): HistoryRange['activity'] {
  const start = Math.floor(from / MINUTE_MS) * MINUTE_MS;
  const minutes = Math.max(1, Math.ceil((to - start) / MINUTE_MS));
  const stepMs = Math.ceil(minutes / intervals) * MINUTE_MS;
  const range = { from: start, stepMs, intervals: Math.ceil((minutes * MINUTE_MS) / stepMs) };
  return { from: start, stepMs, counts: activity.counts(by, range, filter) };
}
