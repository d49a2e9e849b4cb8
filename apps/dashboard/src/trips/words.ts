import type { ReportVerdict, TripSummary } from '@hailstream/events/live';
import { t, textOf } from '../locale/text.js';

const cancellations = {
  rider: 'trips.cancelledByRider',
  driver: 'trips.cancelledByDriver',
  provider: 'trips.cancelledByProvider',
} as const;

/** The stage of a trip, and who cancelled it. */
export function stageWords({ stage, cancelled_by: by }: Pick<TripSummary, 'stage' | 'cancelled_by'>): string {
  if (stage === 'cancelled' && by !== null) return t(cancellations[by]);
  return stage === 'requested' ? t('trips.riderWaiting') : textOf(`stage.${stage ?? 'unknown'}`);
}

export function verdictWords(verdict: ReportVerdict): string {
  return textOf(`report.${verdict}`);
}
