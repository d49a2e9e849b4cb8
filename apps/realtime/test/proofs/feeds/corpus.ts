import type { AuditRecord } from '@hailstream/events/audit';
import type { ProblemCode } from '@hailstream/events/plausibility';
import type { Telemetry } from '@hailstream/events';
import { Random } from '@hailstream/service/testing';
import type { CityEvent } from '../../../src/fold/city-state.js';
import { faults, type Fault } from './faults.js';
import { gaussian, SimulatedVehicle } from './fleet.js';

/** What a feed is like; `healthy` has noise, but no fault. */
export type FeedClass = ProblemCode | 'healthy';
export const feedClasses: readonly FeedClass[] = ['healthy', ...(Object.keys(faults) as ProblemCode[])];

/** An event or an audit record, at the time at which it is read from the log. */
type Arrival =
  | { readonly kind: 'event'; readonly at: number; readonly input: CityEvent }
  | { readonly kind: 'audit'; readonly at: number; readonly record: AuditRecord };

/** A feed up to a minute after its fault began. */
export interface GeneratedFeed {
  readonly providerId: string;
  readonly city: {
    readonly west: number;
    readonly south: number;
    readonly east: number;
    readonly north: number;
  } | null;
  readonly arrivals: readonly Arrival[];
  readonly faultAt: number;
  readonly end: number;
}

/** A point, a change of state or a report of a trip on its way to the log. */
export interface Item {
  input: CityEvent;
  /** When ingest receives it. */
  receivedAt: number;
  /** Why ingest rejects it. */
  rejected?: string;
}

const centers = [
  { lat: 43.738, lng: 7.424 },
  { lat: 37.776, lng: -122.418 },
  { lat: 37.53, lng: 126.99 },
  { lat: 52.51, lng: 13.39 },
  { lat: -33.88, lng: 151.2 },
  { lat: 40.73, lng: -73.98 },
] as const;

const AUDIT_EVERY_MS = 10_000;
const MINUTE_MS = 60_000;

/** Generates a feed. The same seed and class generate the same feed. */
export function generateFeed(feedClass: FeedClass, seed: number): GeneratedFeed {
  const random = new Random(seed * 7_919 + feedClasses.indexOf(feedClass) * 104_729 + 17);
  const fault: Fault | null = feedClass === 'healthy' ? null : faults[feedClass]!(random);
  const context = { random, ids: idsOf(random), center: pickCenter(random, fault) };
  const start = 1_790_000_000_000 + random.below(86_400_000);
  const faultAt = start + (4 + random.below(3)) * MINUTE_MS + random.below(MINUTE_MS);
  const end = faultAt + MINUTE_MS;
  const providerId = context.ids();
  const size = (fault?.leastVehicles ?? 15) + random.below(50);
  const intervalMs = random.pick([1_500, 2_000, 3_000, 5_000]);
  const items: Item[] = [];
  for (let n = 0; n < size; n += 1) {
    items.push(...vehicleItems({ ...context, providerId, start, faultAt, end, intervalMs, fault }));
  }
  const received = items.filter(({ receivedAt }) => receivedAt <= end);
  const { lat, lng } = context.center;
  return {
    providerId,
    city: random.chance(0.5)
      ? { west: lng - 0.1, east: lng + 0.1, south: lat - 0.1, north: lat + 0.1 }
      : null,
    arrivals: [
      ...eventArrivals(received),
      ...auditArrivals(received, { providerId, end, processId: context.ids() }),
    ].sort((one, other) => one.at - other.at),
    faultAt,
    end,
  };
}

function pickCenter(random: Random, fault: Fault | null): (typeof centers)[number] {
  const suitable = centers.filter((center) => fault?.suits?.(center) ?? true);
  return random.pick(suitable);
}

interface VehicleContext {
  readonly random: Random;
  readonly ids: () => string;
  readonly center: { readonly lat: number; readonly lng: number };
  readonly providerId: string;
  readonly start: number;
  readonly faultAt: number;
  readonly end: number;
  readonly intervalMs: number;
  readonly fault: Fault | null;
}

/** The items of one vehicle: its points, states and trips, with the noise of a mobile network and the fault. */
function vehicleItems(context: VehicleContext): Item[] {
  const { random, ids, center, providerId, start, faultAt, end, intervalMs, fault } = context;
  const vehicle = new SimulatedVehicle(random, center);
  const deviceId = ids();
  const clockMs = random.chance(0.015)
    ? Math.round(gaussian(random) * 15_000)
    : Math.round(gaussian(random) * 200);
  const leavesAt = random.chance(0.04) ? start + random.below(end - start) : Number.POSITIVE_INFINITY;
  const network = new Network(random);
  const apply = fault?.vehicle({ random, ids, deviceId, faultAt, intervalMs });
  const items: Item[] = [];
  let trip = { id: ids(), from: start - random.below(240_000), meters: 1_500 + random.below(7_000) };
  let tripMs = 120_000 + random.below(300_000);
  const send = (input: CityEvent, time: number, isPoint: boolean) => {
    const item: Item = { input, receivedAt: network.receivedAt(time) };
    if (random.chance(0.003))
      item.rejected = random.pick(['missing device_id', 'invalid location.heading', 'unknown-field']);
    const sent = time >= faultAt && apply !== undefined ? apply(item, isPoint) : [item];
    items.push(...sent);
    if (random.chance(0.002))
      items.push(
        ...sent.map((each) => ({ ...each, receivedAt: each.receivedAt + 900 + random.below(4_000) })),
      );
  };
  for (let time = start + random.below(intervalMs); time < end; time += intervalMs) {
    vehicle.drive(time, intervalMs);
    if (time >= leavesAt) {
      send(state({ ids, deviceId, providerId, time: time + clockMs, vehicle }), time, false);
      break;
    }
    send(
      point({ ids, deviceId, providerId, time: time + clockMs, vehicle, random, tripId: trip.id }),
      time,
      true,
    );
    if (vehicle.isParked || time - trip.from < tripMs) continue;
    send(report({ deviceId, providerId, trip, time: time + clockMs, vehicle, random }), time, false);
    trip = { id: ids(), from: time, meters: 1_500 + random.below(7_000) };
    tripMs = 120_000 + random.below(300_000);
  }
  return items;
}

/** Delays of a mobile network: short ones, and now and then no connection for a while. */
class Network {
  private offlineUntil = 0;
  private sentAt = 0;

  constructor(private readonly random: Random) {}

  receivedAt(time: number): number {
    if (time >= this.offlineUntil && this.random.chance(0.002)) {
      this.offlineUntil = time + 8_000 + this.random.below(30_000);
    }
    const delayMs = 350 * Math.exp(0.7 * gaussian(this.random));
    // Now and then, a request overtakes the one before.
    const isInOrder = !this.random.chance(0.005);
    const at = Math.max(time, this.offlineUntil > time ? this.offlineUntil : 0) + delayMs;
    this.sentAt = isInOrder ? Math.max(at, this.sentAt + 1) : at;
    return Math.round(this.sentAt);
  }
}

interface EventContext {
  readonly deviceId: string;
  readonly providerId: string;
  readonly time: number;
  readonly vehicle: SimulatedVehicle;
}

function point({
  ids,
  deviceId,
  providerId,
  time,
  vehicle,
  random,
  tripId,
}: EventContext & { ids: () => string; random: Random; tripId: string }): CityEvent {
  // A device that has just started may have no position yet.
  const fix = random.chance(0.001) ? { lat: 0, lng: 0, speed: 0, heading: 0 } : vehicle.fix();
  const event: Telemetry = {
    device_id: deviceId,
    provider_id: providerId,
    telemetry_id: ids(),
    timestamp: time,
    trip_ids: [tripId],
    location: fix,
  };
  return { kind: 'telemetry', event };
}

function state({
  ids,
  deviceId,
  providerId,
  time,
  vehicle,
}: EventContext & { ids: () => string }): CityEvent {
  const { lat, lng } = vehicle.fix();
  return {
    kind: 'vehicle-events',
    event: {
      device_id: deviceId,
      provider_id: providerId,
      event_id: ids(),
      vehicle_state: 'non_operational',
      event_types: ['service_end'],
      timestamp: time,
      location: { lat, lng },
    },
  };
}

function report({
  deviceId,
  providerId,
  trip,
  time,
  vehicle,
  random,
}: EventContext & { trip: { id: string; from: number; meters: number }; random: Random }): CityEvent {
  const { lat, lng } = vehicle.fix();
  const surge = random.chance(0.1) ? 1.8 : 1;
  return {
    kind: 'trips',
    event: {
      provider_id: providerId,
      device_id: deviceId,
      trip_id: trip.id,
      start_time: trip.from,
      end_time: time,
      start_location: { lat, lng },
      end_location: { lat, lng },
      duration: Math.round((time - trip.from) / 1_000),
      distance: trip.meters,
      actual_cost: random.chance(0.03)
        ? 0
        : Math.round(surge * (230 + (trip.meters / 1_000) * (120 + random.below(120)))),
      currency: 'EUR',
    },
  };
}

function eventArrivals(items: readonly Item[]): Arrival[] {
  return items
    .filter(({ rejected }) => rejected === undefined)
    .map(({ input, receivedAt }) => ({ kind: 'event', at: receivedAt, input }));
}

/** Counts of each minute so far, every ten seconds. */
function auditArrivals(
  items: readonly Item[],
  {
    providerId,
    end,
    processId,
  }: { readonly providerId: string; readonly end: number; readonly processId: string },
): Arrival[] {
  const sorted = items.toSorted((one, other) => one.receivedAt - other.receivedAt);
  const arrivals: Arrival[] = [];
  const counts = new Map<number, { accepted: number; rejected: Map<string, number> }>();
  let next = 0;
  const first = sorted[0]?.receivedAt ?? end;
  for (let at = first + AUDIT_EVERY_MS; at <= end; at += AUDIT_EVERY_MS) {
    const changed = new Set<number>();
    for (; next < sorted.length && sorted[next]!.receivedAt <= at; next += 1) {
      const { receivedAt, rejected } = sorted[next]!;
      const minute = Math.floor(receivedAt / MINUTE_MS) * MINUTE_MS;
      const count = counts.get(minute) ?? { accepted: 0, rejected: new Map<string, number>() };
      counts.set(minute, count);
      if (rejected === undefined) count.accepted += 1;
      else count.rejected.set(rejected, (count.rejected.get(rejected) ?? 0) + 1);
      changed.add(minute);
    }
    for (const minute of changed) {
      const { accepted, rejected } = counts.get(minute)!;
      const record: AuditRecord = {
        stage: 'ingest',
        process_id: processId,
        minute,
        topic: 'ride.telemetry',
        provider_id: providerId,
        accepted,
        rejected: Array.from(rejected, ([reason, count]) => ({ reason, count })),
      };
      arrivals.push({ kind: 'audit', at, record });
    }
  }
  return arrivals;
}

/** Makes UUIDs of random numbers. */
function idsOf(random: Random): () => string {
  const hex = (digits: number) =>
    Math.floor(random.fraction() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return () => `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
