import { vehicleStates, type VehicleState } from '@hailstream/events';
import type { Figures } from '@hailstream/events/live';
import { latest } from './newest.js';

/** Vehicles by state; `unknown` counts those that have sent only positions. */
type CountByState = Record<VehicleState | 'unknown', number>;

/** Counts since the process started to read the log. */
export interface Totals {
  readonly devicesSeen: number;
  readonly eventsSeen: number;
  /** All devices seen, silent ones included, by their newest state. */
  readonly byState: Readonly<CountByState>;
}

/** {@link Figures} while they are counted. */
export type MutableFigures = {
  -readonly [Name in keyof Figures]: Name extends 'byState' ? CountByState : Figures[Name];
};

export function noFigures(): MutableFigures {
  return {
    byState: noCounts(),
    silent: 0,
    eventsPerSecond: 0,
    newestEventAt: null,
    newestReceivedAt: null,
    tripsNow: 0,
    requestsWaiting: 0,
    longestWaitMs: 0,
    cancellations: 0,
  };
}

export function noCounts(): CountByState {
  return Object.fromEntries([...vehicleStates, 'unknown'].map((state) => [state, 0])) as CountByState;
}

/** The figures of several fleets together. */
export function sumFigures(parts: readonly Figures[]): Figures {
  const sum = noFigures();
  for (const part of parts) {
    addCounts(sum.byState, part.byState);
    sum.silent += part.silent;
    sum.eventsPerSecond += part.eventsPerSecond;
    sum.newestEventAt = latest(sum.newestEventAt, part.newestEventAt);
    sum.newestReceivedAt = latest(sum.newestReceivedAt, part.newestReceivedAt);
    sum.tripsNow += part.tripsNow;
    sum.requestsWaiting += part.requestsWaiting;
    sum.longestWaitMs = Math.max(sum.longestWaitMs, part.longestWaitMs);
    sum.cancellations += part.cancellations;
    if (part.tripsOverQuota !== undefined)
      sum.tripsOverQuota = (sum.tripsOverQuota ?? 0) + part.tripsOverQuota;
    if (part.overQuota !== undefined) sum.overQuota = (sum.overQuota ?? 0) + part.overQuota;
  }
  return sum;
}

export function sumTotals(parts: readonly Totals[]): Totals {
  const byState = noCounts();
  let devicesSeen = 0;
  let eventsSeen = 0;
  for (const part of parts) {
    addCounts(byState, part.byState);
    devicesSeen += part.devicesSeen;
    eventsSeen += part.eventsSeen;
  }
  return { devicesSeen, eventsSeen, byState };
}

function addCounts(sum: CountByState, part: Readonly<CountByState>): void {
  for (const state of Object.keys(sum) as (keyof CountByState)[]) sum[state] += part[state];
}
