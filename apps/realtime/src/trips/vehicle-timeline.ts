import type { Period, StateSpan, TripSummary, VehicleTimeline } from '@hailstream/events/live';
import { inOrder, isOf, type Occurrence, type OccurrenceOf } from './occurrence.js';
import {
  GAP_AFTER_MS,
  gapsBetween,
  lengthMeters,
  STILL_AFTER_MS,
  stillnessOf,
  STILL_WITHIN_METERS,
  trackOf,
  within,
} from './track.js';

/** How long before a period its vehicle events are read, for the state at its start. */
export const STATE_BEFORE_MS = 24 * 3_600_000;

interface TimelineRequest extends Period {
  readonly deviceId: string;
  readonly providerId: string;
  readonly earliest: number | null;
  readonly now: number;
}

/** `occurrences`: those of the vehicle in the period, and its vehicle events before, in any order and repeated. */
export function vehicleTimeline(
  request: TimelineRequest,
  {
    occurrences,
    trips,
    problem,
    unreadableRecords,
  }: {
    readonly occurrences: readonly Occurrence[];
    readonly trips: readonly TripSummary[];
    /** Why the telemetry is not included. */
    readonly problem: string | null;
    readonly unreadableRecords: number;
  },
): VehicleTimeline {
  const { deviceId, providerId, from, now, earliest } = request;
  // Nothing is known of the future.
  const period = { from, to: Math.max(from, Math.min(request.to, now)) };
  const events = inOrder(occurrences.filter(isOf('vehicle-events')));
  const track = within(trackOf(occurrences.filter(isOf('telemetry'))), period);
  const inPeriod = events.filter(({ at }) => at >= period.from && at <= period.to);
  const times = [...track, ...inPeriod].map(({ at }) => at).sort((a, b) => a - b);
  return {
    asOf: now,
    device_id: deviceId,
    provider_id: providerId,
    ...period,
    earliest,
    states: statesOf(events, period),
    trips: trips.toSorted((a, b) => a.began_at - b.began_at),
    // Before its first event, the log is not known: the vehicle may have sent something.
    gaps:
      problem === null
        ? gapsBetween(times, { ...period, from: Math.min(period.to, Math.max(from, earliest ?? from)) })
        : [],
    gap_after_ms: GAP_AFTER_MS,
    still: stillnessOf(track),
    still_after_ms: STILL_AFTER_MS,
    still_within_meters: STILL_WITHIN_METERS,
    distance_meters: Math.round(lengthMeters(track)),
    point_count: track.length,
    event_count: inPeriod.length,
    telemetry_problem: problem,
    unreadable_records: unreadableRecords,
  };
}

function statesOf(events: readonly OccurrenceOf<'vehicle-events'>[], { from, to }: Period): StateSpan[] {
  const before = events.findLast(({ at }) => at <= from);
  const spans: StateSpan[] = [];
  let current: StateSpan = { vehicle_state: before?.input.event.vehicle_state ?? null, from, to };
  for (const { input, at } of events) {
    const { vehicle_state } = input.event;
    if (at <= from || at > to || vehicle_state === current.vehicle_state) continue;
    if (at > current.from) spans.push({ ...current, to: at });
    current = { vehicle_state, from: at, to };
  }
  return current.to > current.from || spans.length === 0 ? [...spans, current] : spans;
}
