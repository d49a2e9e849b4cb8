import type { TripSummary } from '@hailstream/events/live';
import { inWords } from '../format.js';

/** The stage of a trip, and who cancelled it. */
export function stageWords({ stage, cancelled_by: by }: Pick<TripSummary, 'stage' | 'cancelled_by'>): string {
  if (stage === null) return 'not known';
  if (stage === 'cancelled' && by !== null) return `cancelled by the ${by}`;
  return stage === 'requested' ? 'rider waiting' : inWords(stage);
}

const verdicts = {
  none: 'Not reported: the trip has not ended',
  missing: 'Missing: the trip has ended and the operator has not reported it',
  extra: 'Extra: reported, but the events do not have such a ride',
  differs: 'Differs from the events',
  matches: 'Matches the events',
} as const;

export const verdictWords = (verdict: keyof typeof verdicts): string => verdicts[verdict];
