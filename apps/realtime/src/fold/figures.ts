import { vehicleStates, type VehicleState } from '@hailstream/events';
import type { Figures } from '@hailstream/events/live';
import { latest } from './newest.js';

/** Vehicles by state; `unknown` has those of which only positions are known. */
export type CountByState = Record<VehicleState | 'unknown', number>;

/** {@link Figures} while they are being counted. */
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

/** The figures of several fleets as one. */
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
  }
  return sum;
}

export function addCounts(sum: CountByState, part: Readonly<CountByState>): void {
  for (const state of Object.keys(sum) as (keyof CountByState)[]) sum[state] += part[state];
}
