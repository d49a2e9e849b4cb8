import type { Trip } from '@hailstream/events';
import type {
  Period,
  StageSpan,
  TripEvent,
  TripPage,
  TripRoute,
  TripStop,
  TripSummary,
  TripWaits,
} from '@hailstream/events/live';
import type { CityEvent } from '../fold/city-state.js';
import { TRIP_KEPT_MS } from '../fold/fleet-trips.js';
import { stageOf, TripFacts } from '../fold/trip.js';
import { inOrder, isOf, type Occurrence, type OccurrenceOf } from './occurrence.js';
import { compareReport, verdictOf } from './trip-report.js';
import { GAP_AFTER_MS, gapsBetween, lengthMeters, toTrail, within, type TrackPoint } from './track.js';

/** Maximum number of points of a route in a response. */
const MAX_ROUTE_POINTS = 5_000;

type TripInput = CityEvent & { readonly kind: 'vehicle-events' | 'rider-events' };
type TripOccurrence = Occurrence<TripInput>;

/** When a trip was read, and how many records could not be. */
interface ReadOf {
  readonly now: number;
  readonly unreadableRecords: number;
}

/** The events and reports of one trip, which may be in any order and repeated. */
export class TripStory {
  private readonly vehicleEvents: readonly OccurrenceOf<'vehicle-events'>[];
  private readonly riderEvents: readonly OccurrenceOf<'rider-events'>[];
  /** Those that differ, in the order of their receipt. */
  private readonly reports: readonly Trip[];

  constructor(
    readonly summary: TripSummary,
    occurrences: readonly Occurrence[],
  ) {
    this.vehicleEvents = inOrder(occurrences.filter(isOf('vehicle-events')));
    this.riderEvents = inOrder(occurrences.filter(isOf('rider-events')));
    this.reports = distinctReports(occurrences.filter(isOf('trips')));
  }

  /** From the reservation to the end, or to `now` if it has not ended: its vehicle's telemetry is its route. */
  vehiclePeriod(now: number): Period | null {
    const { device_id: deviceId } = this.summary;
    const first = this.vehicleEvents.find(({ input }) => input.event.device_id === deviceId);
    if (first === undefined) {
      const report = this.reports.at(-1);
      return report === undefined ? null : { from: report.start_time, to: report.end_time };
    }
    // A trip whose end is unknown is under way as long as the live city counts it.
    const latest = Math.min(now, this.vehicleEvents.at(-1)!.at + TRIP_KEPT_MS);
    return { from: first.at, to: Math.max(first.at, this.endedAt ?? latest) };
  }

  route(track: readonly TrackPoint[], { now, unreadableRecords }: ReadOf): TripRoute {
    const { trip_id, provider_id, device_id } = this.summary;
    const period = this.vehiclePeriod(now);
    const points = period === null ? [] : within(track, period);
    const pickupAt = this.pickup?.at ?? period?.from ?? 0;
    const ride = points.filter(({ at }) => at >= pickupAt);
    const approach = points.filter(({ at }) => at <= pickupAt);
    // The line from the last point before the pick-up to the first one after it belongs to the ride.
    const rideMeters = lengthMeters([...approach.slice(-1), ...ride]);
    const rideMs = ride.length < 2 ? 0 : ride.at(-1)!.at - ride[0]!.at;
    const trail = toTrail(points, MAX_ROUTE_POINTS);
    const speeds = trail.flatMap(([, , speed, at]) => (speed === null || at < pickupAt ? [] : [speed]));
    return {
      asOf: now,
      trip_id,
      provider_id,
      device_id,
      from: period?.from ?? null,
      to: period?.to ?? null,
      points: trail,
      point_count: points.length,
      approach_meters: Math.round(lengthMeters(approach)),
      ride_meters: Math.round(rideMeters),
      mean_speed: rideMs === 0 ? null : (lengthMeters(ride) / rideMs) * 1_000,
      max_speed: speeds.length === 0 ? null : speeds.reduce((a, b) => Math.max(a, b)),
      gaps:
        period === null
          ? []
          : gapsBetween(
              points.map(({ at }) => at),
              period,
            ),
      gap_after_ms: GAP_AFTER_MS,
      unreadable_records: unreadableRecords,
    };
  }

  /** `track`: `null` with the reason if the telemetry could not be read. */
  page({
    track,
    trackProblem,
    ...read
  }: ReadOf & {
    readonly track: readonly TrackPoint[] | null;
    readonly trackProblem: string | null;
  }): TripPage {
    const route = track && this.route(track, read);
    const { summary, pickup, dropoff } = this;
    const request = this.request;
    const report = this.reports.at(-1) ?? null;
    const problem = report === null ? null : (trackProblem ?? distanceProblem(route, pickup?.at ?? 0));
    const hasEvents = this.vehicleEvents.length + this.riderEvents.length > 0;
    const observed = {
      summary,
      hasEvents,
      pickup,
      dropoff,
      requestedAt: request?.at ?? null,
      meters: problem === null && route !== null ? route.ride_meters : null,
    };
    const fields = report === null ? [] : compareReport(report, observed);
    return {
      asOf: read.now,
      trip: summary,
      rider_id: this.riderEvents[0]?.input.event.rider_id ?? null,
      request: request === undefined ? null : stopOf(request),
      destination: request?.input.event.destination ?? null,
      pickup,
      dropoff,
      stages: this.stages,
      waits: this.waits,
      events: this.events,
      report,
      report_count: this.reports.length,
      verdict: verdictOf(report, { ...observed, fields, isCancelled: this.isCancelled }),
      fields,
      distance_problem: problem,
      unreadable_records: read.unreadableRecords,
    };
  }

  private get events(): TripEvent[] {
    return this.occurrences.map(({ input, at, receivedAt }): TripEvent => {
      const { event_id, location } = input.event;
      const base = { event_id, timestamp: at, received_at: receivedAt, location };
      if (input.kind === 'rider-events') {
        const { event_type, rating = null } = input.event;
        return { ...base, kind: 'rider', event_type, rating };
      }
      const { device_id, event_types, vehicle_state } = input.event;
      return { ...base, kind: 'vehicle', device_id, event_types, vehicle_state };
    });
  }

  private get occurrences(): TripOccurrence[] {
    return inOrder<TripInput>([...this.vehicleEvents, ...this.riderEvents]);
  }

  /** The newest request. */
  private get request(): OccurrenceOf<'rider-events'> | undefined {
    return this.riderEvents.findLast(({ input }) => input.event.event_type === 'ride_request');
  }

  private get pickup(): TripStop | null {
    const found = this.vehicleEvents.find(({ input }) => input.event.event_types.includes('trip_start'));
    return found === undefined ? null : stopOf(found);
  }

  private get dropoff(): TripStop | null {
    const found = this.vehicleEvents.findLast(({ input }) => input.event.event_types.includes('trip_end'));
    return found === undefined ? null : stopOf(found);
  }

  private get endedAt(): number | null {
    return this.dropoff?.at ?? this.summary.ended_at;
  }

  /** Whether it was cancelled, apart from what the operator reports. */
  private get isCancelled(): boolean {
    const facts = new TripFacts(this.summary.trip_id);
    for (const { input, at } of this.vehicleEvents) facts.foldVehicleEvent(input.event, at);
    for (const { input, at } of this.riderEvents) facts.foldRiderEvent(input.event, at);
    return facts.stage === 'cancelled';
  }

  private get stages(): StageSpan[] {
    const spans: StageSpan[] = [];
    let current = null as Omit<StageSpan, 'to'> | null;
    let hasVehicle = false;
    for (const { input, at } of this.occurrences) {
      let stage: ReturnType<typeof stageOf> = null;
      if (input.kind === 'vehicle-events') {
        stage = stageOf(input.event);
        hasVehicle ||= stage !== null;
      } else if (input.event.event_type === 'ride_cancel') {
        stage = 'cancelled';
      } else if (input.event.event_type === 'ride_request' && !hasVehicle) {
        stage = 'requested';
      }
      if (stage === null || stage === current?.stage) continue;
      if (current !== null) spans.push({ ...current, to: at });
      current = stage === 'ended' || stage === 'cancelled' ? null : { stage, from: at };
    }
    if (current !== null) spans.push({ ...current, to: this.summary.ended_at });
    return spans;
  }

  private get waits(): TripWaits {
    const first = (eventType: string, from = Number.NEGATIVE_INFINITY): number | null => {
      const found = this.vehicleEvents.find(({ input, at }) => {
        return at >= from && input.event.event_types.some((known) => known === eventType);
      });
      return found?.at ?? null;
    };
    const requestedAt = this.request?.at ?? null;
    const reservedAt = first('reservation_start');
    const pickedUpAt = this.pickup?.at ?? null;
    const arrivedAt = first('reservation_stop');
    return {
      assignment_ms: between(requestedAt, reservedAt),
      approach_ms: between(reservedAt, arrivedAt),
      boarding_ms: between(arrivedAt, pickedUpAt),
      pickup_ms: between(requestedAt, pickedUpAt),
      ride_ms: between(pickedUpAt, this.dropoff?.at ?? null),
    };
  }
}

function between(from: number | null, to: number | null): number | null {
  return from === null || to === null || to < from ? null : to - from;
}

function stopOf({ input, at }: TripOccurrence): TripStop {
  return { at, location: input.event.location };
}

/** A distance along few points, or along points with a gap, is shorter than the way that was driven. */
function distanceProblem(route: TripRoute | null, pickupAt: number): string | null {
  if (route === null || route.point_count < 2) return 'the log has no telemetry of the ride';
  const hasGaps = route.gaps.some(({ to }) => to > pickupAt);
  return hasGaps ? 'the telemetry of the ride has gaps' : null;
}

function distinctReports(occurrences: readonly OccurrenceOf<'trips'>[]): Trip[] {
  const sorted = [...occurrences].sort((a, b) => a.receivedAt - b.receivedAt || a.at - b.at);
  const latest = new Map<string, Trip>();
  for (const { input } of sorted) {
    const content = JSON.stringify(input.event);
    latest.delete(content);
    latest.set(content, input.event);
  }
  return [...latest.values()];
}
