import type { RiderEvent, Telemetry, Trip, VehicleEvent } from '@hailstream/events';
import { latLngToCell } from 'h3-js';
import { receivedMsOf } from './_util.js';

const MINUTE_MS = 60_000;
const QUARTER_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Distinct events of each family. */
export interface Events {
  readonly telemetry: readonly Telemetry[];
  readonly vehicleEvents: readonly VehicleEvent[];
  readonly riderEvents: readonly RiderEvent[];
  readonly trips: readonly Trip[];
}

interface Period {
  readonly vehicle: string;
  readonly state: string;
  readonly from: number;
  readonly to: number;
}

const quarterOf = (ms: number): number => ms - (((ms % QUARTER_MS) + QUARTER_MS) % QUARTER_MS);
const cellOf = ({ location }: Telemetry | VehicleEvent | RiderEvent): string =>
  latLngToCell(location.lat, location.lng, 9);
const vehicleOf = (event: Telemetry | VehicleEvent): string => `${event.provider_id} ${event.device_id}`;
const timeOf = (ms: number | undefined): string => (ms === undefined ? 'none' : new Date(ms).toISOString());

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Calculates every aggregate from all events at once, by the definitions in docs/analysis.md. One line per row. */
export function expectedAggregates(events: Events): Record<string, string[]> {
  const periods = periodsOf(events);
  const cells = cellQuarters(events, periods);
  return {
    vehicle_quarters: vehicleQuarters(events.telemetry),
    state_periods: periods
      .map(({ vehicle, state, from, to }) => [vehicle, state, timeOf(from), timeOf(to)].join(' '))
      .toSorted(),
    state_hours: stateHours(periods),
    cell_quarters: cells,
    cell_hours: cellHours(cells),
    ride_outcomes: rideOutcomes(events),
  };
}

function vehicleQuarters(telemetry: readonly Telemetry[]): string[] {
  const lines: string[] = [];
  for (const [key, points] of groupBy(
    telemetry,
    (point) => `${vehicleOf(point)} ${quarterOf(point.timestamp)}`,
  )) {
    const [providerId, deviceId, quarter] = key.split(' ');
    const times = points.map(({ timestamp }) => timestamp);
    const before = telemetry
      .filter(
        (point) => vehicleOf(point) === `${providerId} ${deviceId}` && point.timestamp < Number(quarter),
      )
      .map(({ timestamp }) => timestamp);
    const lateness = points.map((point) => receivedMsOf(point) - point.timestamp);
    const later = (minutes: number): number => lateness.filter((ms) => ms > minutes * MINUTE_MS).length;
    const previous = before.length === 0 ? undefined : Math.max(...before);
    lines.push(
      [
        providerId,
        deviceId,
        timeOf(Number(quarter)),
        timeOf(Math.min(...times)),
        timeOf(Math.max(...times)),
        timeOf(previous),
        times.length,
        lateness.length,
        ...[1, 10, 60, 24 * 60].map(later),
        lateness.reduce((a, b) => a + b, 0),
        Math.max(...lateness),
      ].join(' '),
    );
  }
  return lines.toSorted();
}

function periodsOf({ telemetry, vehicleEvents }: Events): Period[] {
  const periods: Period[] = [];
  for (const [vehicle, events] of groupBy(vehicleEvents, vehicleOf)) {
    const signals = telemetry
      .filter((point) => vehicleOf(point) === vehicle)
      .map(({ timestamp }) => timestamp);
    const sorted = events.toSorted((a, b) => a.timestamp - b.timestamp || (a.event_id < b.event_id ? -1 : 1));
    for (const [index, { timestamp, vehicle_state }] of sorted.entries()) {
      const next = sorted[index + 1]?.timestamp ?? Infinity;
      const heard = Math.max(timestamp, ...signals.filter((at) => at >= timestamp && at < next));
      const to = next - heard <= 24 * HOUR_MS ? next : heard + 2 * HOUR_MS;
      periods.push({ vehicle, state: vehicle_state, from: timestamp, to });
    }
  }
  return periods;
}

function stateHours(periods: readonly Period[]): string[] {
  const hours = new Map<string, number>();
  for (const { vehicle, state, from, to } of periods) {
    const [providerId] = vehicle.split(' ');
    for (let hour = Math.floor(from / HOUR_MS) * HOUR_MS; hour < to; hour += HOUR_MS) {
      const key = [timeOf(hour), providerId, state].join(' ');
      const ms = Math.min(to, hour + HOUR_MS) - Math.max(from, hour);
      if (ms > 0) hours.set(key, (hours.get(key) ?? 0) + ms);
    }
  }
  return [...hours].map(([key, ms]) => `${key} ${ms}`).toSorted();
}

interface Cell {
  positions: number;
  vehicles: number;
  available: number;
  availableMs: number;
  speeds: number[];
  requests: number;
  pickUps: number;
  dropOffs: number;
}

function cellQuarters(
  { telemetry, vehicleEvents, riderEvents }: Events,
  periods: readonly Period[],
): string[] {
  const cells = new Map<string, Cell>();
  const cell = (event: Telemetry | VehicleEvent | RiderEvent): Cell => {
    const key = [timeOf(quarterOf(event.timestamp)), event.provider_id, cellOf(event)].join(' ');
    const found = cells.get(key) ?? {
      positions: 0,
      vehicles: 0,
      available: 0,
      availableMs: 0,
      speeds: [],
      requests: 0,
      pickUps: 0,
      dropOffs: 0,
    };
    cells.set(key, found);
    return found;
  };
  const free = periods.filter(({ state, from, to }) => state === 'available' && from < to);
  for (const points of groupBy(
    telemetry,
    (point) => `${vehicleOf(point)} ${quarterOf(point.timestamp)}`,
  ).values()) {
    const sorted = points.toSorted((a, b) => a.timestamp - b.timestamp || (cellOf(a) < cellOf(b) ? -1 : 1));
    const own = free.filter(({ vehicle }) => vehicle === vehicleOf(sorted[0]!));
    for (const [index, point] of sorted.entries()) {
      const { timestamp, location } = point;
      const next = sorted[index + 1]?.timestamp ?? Infinity;
      const until = Math.min(next, timestamp + 2 * MINUTE_MS, quarterOf(timestamp) + QUARTER_MS);
      const in_ = cell(point);
      in_.positions += 1;
      if (typeof location.speed === 'number') in_.speeds.push(location.speed);
      for (const { from, to } of own)
        in_.availableMs += Math.max(0, Math.min(until, to) - Math.max(timestamp, from));
    }
    for (const visit of groupBy(sorted, cellOf).values()) {
      const in_ = cell(visit[0]!);
      in_.vehicles += 1;
      const [first, last] = [visit[0]!.timestamp, visit.at(-1)!.timestamp];
      if (own.some(({ from, to }) => from <= last && to > first)) in_.available += 1;
    }
  }
  for (const event of riderEvents) if (event.event_type === 'ride_request') cell(event).requests += 1;
  for (const event of vehicleEvents) {
    if (event.event_types.includes('trip_start')) cell(event).pickUps += 1;
    if (event.event_types.includes('trip_end')) cell(event).dropOffs += 1;
  }
  return [...cells]
    .map(([key, { positions, vehicles, available, availableMs, speeds, requests, pickUps, dropOffs }]) => {
      const moving = speeds.filter((speed) => speed >= 1);
      const sum = (values: readonly number[]): string => values.reduce((a, b) => a + b, 0).toFixed(3);
      return [
        key,
        positions,
        vehicles,
        available,
        availableMs,
        speeds.length,
        sum(speeds),
        moving.length,
        sum(moving),
        requests,
        pickUps,
        dropOffs,
      ].join(' ');
    })
    .toSorted();
}

/** Sums of the lines of {@link cellQuarters}. */
function cellHours(cells: readonly string[]): string[] {
  const hours = new Map<string, number[]>();
  for (const line of cells) {
    const [quarter, providerId, cell, , , , ...numbers] = line.split(' ');
    const [availableMs, speeds, speedSum, moving, movingSum, requests] = numbers.map(Number);
    const key = [timeOf(Math.floor(Date.parse(quarter!) / HOUR_MS) * HOUR_MS), providerId, cell].join(' ');
    const values = [availableMs!, speeds!, speedSum!, moving!, movingSum!, requests!];
    const sums = hours.get(key);
    hours.set(key, sums === undefined ? values : sums.map((sum, index) => sum + values[index]!));
  }
  return [...hours]
    .map(([key, [availableMs, speeds, speedSum, moving, movingSum, requests]]) =>
      [key, availableMs, speeds, speedSum!.toFixed(3), moving, movingSum!.toFixed(3), requests].join(' '),
    )
    .toSorted();
}

function rideOutcomes({ vehicleEvents, riderEvents, trips }: Events): string[] {
  const ids = new Set([
    ...riderEvents
      .filter(({ event_type }) => event_type !== 'ride_rating')
      .map((event) => `${event.provider_id} ${event.trip_id}`),
    ...vehicleEvents
      .filter(({ event_types }) =>
        event_types.some(
          (type) => type.startsWith('trip') || type.startsWith('reserv') || type.endsWith('cancellation'),
        ),
      )
      .flatMap((event) => (event.trip_ids ?? []).map((id) => `${event.provider_id} ${id}`)),
    ...trips.map((trip) => `${trip.provider_id} ${trip.trip_id}`),
  ]);
  return [...ids]
    .map((key) => {
      const [providerId, tripId] = key.split(' ') as [string, string];
      const ofRider = riderEvents.filter(
        (event) => event.provider_id === providerId && event.trip_id === tripId,
      );
      const ofVehicle = vehicleEvents.filter(
        (event) => event.provider_id === providerId && event.trip_ids?.includes(tripId),
      );
      const requests = ofRider
        .filter(({ event_type }) => event_type === 'ride_request')
        .toSorted((a, b) => a.timestamp - b.timestamp || (cellOf(a) < cellOf(b) ? -1 : 1));
      const by = (type: string) =>
        ofVehicle
          .filter(({ event_types }) => event_types.includes(type as 'trip_end'))
          .toSorted((a, b) => a.timestamp - b.timestamp || (a.device_id < b.device_id ? -1 : 1));
      const cancellations = [
        ...ofRider
          .filter(({ event_type }) => event_type === 'ride_cancel')
          .map(({ timestamp }) => ({ timestamp, who: 'rider' })),
        ...by('passenger_cancellation').map(({ timestamp }) => ({ timestamp, who: 'rider' })),
        ...by('driver_cancellation').map(({ timestamp }) => ({ timestamp, who: 'driver' })),
      ].toSorted((a, b) => a.timestamp - b.timestamp || (a.who < b.who ? -1 : 1));
      const trip = trips.find((each) => each.provider_id === providerId && each.trip_id === tripId);
      return [
        key,
        timeOf(requests[0]?.timestamp),
        requests[0] ? cellOf(requests[0]) : 'none',
        timeOf(by('reservation_start').at(-1)?.timestamp),
        timeOf(by('trip_start')[0]?.timestamp),
        by('trip_start')[0]?.device_id ?? 'none',
        timeOf(by('trip_end').at(-1)?.timestamp),
        timeOf(cancellations.at(-1)?.timestamp),
        cancellations.at(-1)?.who ?? 'none',
        timeOf(trip?.start_time),
        timeOf(trip?.end_time),
        trip?.duration ?? 'none',
        trip?.actual_cost ?? 'none',
      ].join(' ');
    })
    .toSorted();
}
