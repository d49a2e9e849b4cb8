import { createHash } from 'node:crypto';
import {
  isValidChange,
  vehicleEventTypes,
  type RiderEvent,
  type Telemetry,
  type Trip,
  type VehicleEvent,
} from '@hailstream/events';
import { distanceMeters, headingDegrees } from '@hailstream/roads';
import { beforeAll, describe, expect, it } from 'vitest';
import { familyOf } from '../src/outbox/outbox.js';
import { simulate, monacoGraph, type Emitted } from './_monaco.js';

const startMs = Date.UTC(2026, 5, 1, 8);
const HOURS = 2;
const VEHICLES = 40;

describe('a simulated city over hours', () => {
  const telemetry: Telemetry[] = [];
  const vehicleEvents: VehicleEvent[] = [];
  const riderEvents: RiderEvent[] = [];
  const trips: Trip[] = [];
  const ids = new Set<string>();
  let count = 0;
  const invalid: unknown[] = [];

  beforeAll(() => {
    const into = { telemetry, 'vehicle-events': vehicleEvents, 'rider-events': riderEvents, trips };
    simulate({
      vehicles: VEHICLES,
      hours: HOURS,
      startMs,
      onEvent: ({ kind, event }) => {
        const family = familyOf(kind);
        const issues = family.validator.issues(event);
        if (issues.length > 0) invalid.push({ kind, issues });
        // A trip has the id of its ride.
        if (kind !== 'trips') {
          count += 1;
          ids.add(family.id(event as never));
        }
        (into[kind] as unknown[]).push(event);
      },
    });
  });

  it('emits valid events with unique ids', () => {
    expect(invalid).toEqual([]);
    expect(ids.size).toBe(count);
    expect(new Set(trips.map(({ trip_id }) => trip_id)).size).toBe(trips.length);
  });

  it('follows the state machine of MDS, with increasing timestamps', () => {
    const last = new Map<string, VehicleEvent>();
    for (const event of vehicleEvents) {
      const before = last.get(event.device_id);
      last.set(event.device_id, event);
      if (before === undefined) continue;
      const change = { from: before.vehicle_state, to: event.vehicle_state, eventTypes: event.event_types };
      expect(isValidChange(change), JSON.stringify(change)).toBe(true);
      expect(event.timestamp).toBeGreaterThan(before.timestamp);
    }
    expect(last.size).toBe(VEHICLES);
  });

  it('starts with events that are valid after any state, and ends with all vehicles out of service', () => {
    const last = new Map(vehicleEvents.map((event) => [event.device_id, event.vehicle_state]));
    for (const [opening, next] of byDevice(vehicleEvents).values()) {
      expect([opening?.event_types, next?.event_types]).toEqual([['comms_lost'], ['comms_restored']]);
      expect(next?.vehicle_state).toBe('non_operational');
    }
    expect(new Set(last.values())).toEqual(new Set(['non_operational']));
  });

  it('emits every event type that it simulates', () => {
    const happened = new Set(vehicleEvents.flatMap(({ event_types }) => event_types));
    const elsewhere = ['trip_leave_jurisdiction', 'trip_enter_jurisdiction'];
    const workshop = [
      'maintenance',
      'maintenance_end',
      'maintenance_pick_up',
      'decommissioned',
      'recommissioned',
    ];
    expect(vehicleEventTypes.filter((type) => !happened.has(type)).toSorted()).toEqual(
      [...elsewhere, ...workshop].toSorted(),
    );
    expect(new Set(riderEvents.map(({ event_type }) => event_type))).toEqual(
      new Set(['ride_request', 'ride_cancel', 'ride_rating']),
    );
  });

  it('reports one trip per trip_end, consistent with its events', () => {
    const started = new Map<string, number>();
    const ended = new Map<string, number>();
    for (const { event_types, trip_ids, timestamp } of vehicleEvents) {
      if (event_types.includes('trip_start')) started.set(trip_ids![0]!, timestamp);
      if (event_types.includes('trip_end')) ended.set(trip_ids![0]!, timestamp);
    }
    expect(trips.length).toBeGreaterThan(VEHICLES * HOURS * 4);
    expect(trips.map(({ trip_id }) => trip_id).toSorted()).toEqual([...ended.keys()].toSorted());
    for (const trip of trips) {
      expect(trip.start_time).toBe(started.get(trip.trip_id));
      expect(trip.end_time).toBe(ended.get(trip.trip_id));
      expect(trip.trip_attributes!.requested_time).toBeLessThan(trip.trip_attributes!.dispatch_time!);
      expect(trip.trip_attributes!.dispatch_time).toBeLessThan(trip.start_time);
      const crow = distanceMeters(trip.start_location, trip.end_location);
      expect(trip.distance).toBeGreaterThan(crow - 60);
      expect(trip.distance / Math.max(1, trip.duration)).toBeLessThan(15.3);
    }
  });

  it('drives on streets in the permitted direction, at plausible speeds and without jumps', () => {
    const last = new Map<string, Telemetry>();
    const leaps: unknown[] = [];
    const edges = monacoGraph.nodes.flatMap((node) => node.edges);
    for (const point of telemetry) {
      const before = last.get(point.device_id);
      last.set(point.device_id, point);
      const elapsedMs = point.timestamp - (before?.timestamp ?? Infinity);
      if (before === undefined || elapsedMs > 1_100) continue;
      // 55 km/h, plus noise of the receiver and the offset of the lane.
      if (distanceMeters(before.location, point.location) > 15.3 + 7) leaps.push([before, point]);
    }
    expect(leaps).toEqual([]);
    for (const { location } of telemetry.filter((_point, index) => index % 500 === 0)) {
      expect(edges.some((edge) => isAlong(edge, location))).toBe(true);
    }
  });

  it('delivers telemetry of a device without contact later, in order and with its timestamps', () => {
    for (const points of byDevice(telemetry).values()) {
      expect(points.map(({ timestamp }) => timestamp)).toEqual(
        points.map(({ timestamp }) => timestamp).toSorted((a, b) => a - b),
      );
    }
    // The first loss of contact is that of the start, which has no duration.
    const silence = [...byDevice(vehicleEvents).values()]
      .map((events) => events.slice(1).find(({ vehicle_state }) => vehicle_state === 'non_contactable'))
      .find((event) => event !== undefined)!;
    const during = telemetry.filter(
      ({ device_id, timestamp }) =>
        device_id === silence.device_id &&
        timestamp > silence.timestamp &&
        timestamp < silence.timestamp + 15_000,
    );
    expect(during.length).toBeGreaterThan(0);
  });
});

function byDevice<Event extends { device_id: string }>(events: readonly Event[]): Map<string, Event[]> {
  const groups = new Map<string, Event[]>(events.map(({ device_id }) => [device_id, []]));
  for (const event of events) groups.get(event.device_id)!.push(event);
  return groups;
}

/** Whether a position is within a few metres of an edge, and the heading is that of the edge. */
function isAlong(
  edge: { from: number; to: number; meters: number },
  location: { lat: number; lng: number; heading?: number },
): boolean {
  const [start, end] = [monacoGraph.nodes[edge.from]!, monacoGraph.nodes[edge.to]!];
  const course = headingDegrees(start, end);
  const turned = Math.abs(((location.heading! - course + 540) % 360) - 180);
  if (turned > 2) return false;
  const bearing = ((headingDegrees(start, location) - course) * Math.PI) / 180;
  const away = distanceMeters(start, location);
  const along = away * Math.cos(bearing);
  return Math.abs(away * Math.sin(bearing)) < 6 && along > -6 && along < edge.meters + 6;
}

describe('a simulated city', () => {
  function run(options: { seed?: string; startMs?: number }): { hash: string; events: Emitted[] } {
    const hash = createHash('sha256');
    const events: Emitted[] = [];
    simulate({
      vehicles: 20,
      hours: 0.1,
      startMs,
      ...options,
      onEvent: (emitted) => {
        events.push(emitted);
        hash.update(JSON.stringify(emitted));
      },
    });
    return { hash: hash.digest('hex'), events };
  }
  const devicesOf = (events: Emitted[]): Set<string> =>
    new Set(events.flatMap(({ event }) => ('device_id' in event ? [event.device_id] : [])));
  const idsOf = (events: Emitted[]): Set<string> =>
    new Set(events.map(({ kind, event }) => familyOf(kind).id(event as never)));

  it('emits the same events for the same seed and start', () => {
    expect(run({}).hash).toBe(run({}).hash);
  });

  it('has the same devices at another start, and no repeated event ids', () => {
    const [one, next] = [run({}), run({ startMs: startMs + 1 })];
    expect(devicesOf(next.events)).toEqual(devicesOf(one.events));
    const idsBefore = idsOf(one.events);
    expect([...idsOf(next.events)].filter((id) => idsBefore.has(id))).toEqual([]);
  });

  it('has other devices for another seed', () => {
    const [one, other] = [run({}), run({ seed: 'other' })].map(({ events }) => devicesOf(events));
    expect([...other!].filter((device) => one!.has(device))).toEqual([]);
  });

  it('has at least 200 of 250 vehicles moving at any time', () => {
    const speeds = new Map<string, { speed: number; timestamp: number }>();
    const moving: number[] = [];
    simulate({
      vehicles: 250,
      hours: 0.1,
      startMs,
      onEvent: ({ kind, event }) => {
        if (kind === 'telemetry') {
          speeds.set(event.device_id, { speed: event.location.speed!, timestamp: event.timestamp });
        }
      },
      onSecond: (nowMs) => {
        if (nowMs < startMs + 10_000 || nowMs % 10_000 !== 0) return;
        const fresh = [...speeds.values()].filter(({ timestamp }) => nowMs - timestamp < 2_000);
        moving.push(fresh.filter(({ speed }) => speed > 0).length);
      },
    });
    expect(Math.min(...moving)).toBeGreaterThanOrEqual(200);
  });
});
