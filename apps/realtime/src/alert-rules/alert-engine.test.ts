import { alertValidator, type AlertRecord } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { CityState, type CityEvent } from '../fold/city-state.js';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { parseZone } from '../geofences/zone-file.js';
import { AlertEngine } from './alert-engine.js';
import { AlertStore } from './alert-store.js';
import { CityRules } from './city-rules.js';
import { parseRuleFile } from './rule-file.js';

const INSIDE = { lat: 43.705, lng: 7.405 };
const OUTSIDE = { lat: 43.725, lng: 7.405 };
const MINUTE = 60_000;

/** A city with the zone `station`, and an engine whose decisions are stored at once, as the topic would. */
class Scenario {
  readonly city = new CityState();
  readonly zones = new ZoneBook(this.city);
  readonly store = new AlertStore();
  readonly engine: AlertEngine;
  readonly reader: CityRules;

  constructor(rules: string, store?: AlertStore) {
    if (store !== undefined) this.store = store;
    const ring = [
      [7.4, 43.7],
      [7.41, 43.7],
      [7.41, 43.71],
      [7.4, 43.71],
      [7.4, 43.7],
    ];
    const geometry = { type: 'Polygon', coordinates: [ring] };
    const parsed = parseZone({ type: 'Feature', id: 'station', properties: { name: 'Station' }, geometry });
    if ('problems' in parsed) throw new Error(parsed.problems.join());
    this.zones.setZones([parsed.zone]);
    this.engine = new AlertEngine(parseRuleFile(`rules: [${rules}]`, 'rules'), this.store);
    this.reader = new CityRules(this.city, this.zones);
  }

  fold(...events: CityEvent[]): void {
    for (const input of events) {
      const time = input.kind === 'trips' ? input.event.end_time : input.event.timestamp;
      this.city.fold(input, { receivedAt: time, now: time });
      if (input.kind !== 'telemetry' && input.kind !== 'vehicle-events') continue;
      const { device_id: deviceId, provider_id: providerId, location } = input.event;
      this.zones.observe({ deviceId, providerId }, location, time);
    }
  }

  decide(now: number): AlertRecord[] {
    this.city.advance(now);
    const records = this.engine.evaluate(this.reader.at(now));
    const issues = records.flatMap((record) => alertValidator.issues(record));
    if (issues.length > 0) throw new Error(JSON.stringify(issues));
    return records;
  }

  /** The changes at a time, which are stored. */
  changes(now: number): string[] {
    const records = this.decide(now);
    for (const record of records) this.store.apply(record);
    return records.map(({ change, summary }) => `${change}: ${summary}`);
  }
}

const at = (time: number, location: { lat: number; lng: number }, vehicle = 1) =>
  telemetry({ device_id: id(vehicle), timestamp: time, location });
const request = (trip: number, time: number, location = INSIDE) =>
  riderEvent({ trip_id: id(trip), timestamp: time, location });

describe(AlertEngine, () => {
  it('raises and clears an alert of a vehicle that enters and leaves a zone', () => {
    const scenario = new Scenario('{ id: in, kind: zone-entered, zone: station, clearAfter: 10s }');
    scenario.fold(at(NOW, OUTSIDE));
    expect(scenario.changes(NOW)).toEqual([]);
    scenario.fold(at(NOW + 10_000, INSIDE));
    expect(scenario.changes(NOW + 11_000)).toEqual(['raised: Vehicle 000001 entered Station']);
    scenario.fold(at(NOW + 20_000, INSIDE));
    expect(scenario.changes(NOW + 21_000)).toEqual([]);
    scenario.fold(at(NOW + 40_000, OUTSIDE));
    expect(scenario.changes(NOW + 41_000)).toEqual([]);
    expect(scenario.changes(NOW + 51_000)).toEqual(['cleared: Vehicle 000001 entered Station']);
    scenario.fold(at(NOW + 60_000, INSIDE));
    expect(scenario.changes(NOW + 61_000)).toEqual(['raised: Vehicle 000001 entered Station']);
  });

  it('raises nothing for a vehicle that is inside when it is first seen, or entered long ago', () => {
    const scenario = new Scenario('{ id: in, kind: zone-entered, zone: station }');
    scenario.fold(at(NOW, INSIDE, 1), at(NOW - 20 * MINUTE, OUTSIDE, 2), at(NOW - 10 * MINUTE, INSIDE, 2));
    expect(scenario.changes(NOW)).toEqual([]);
  });

  it('does not raise again after a restart, or when another process decides', () => {
    const rule = '{ id: in, kind: zone-entered, zone: station }';
    const first = new Scenario(rule);
    const events = [at(NOW, OUTSIDE), at(NOW + 10_000, INSIDE)];
    first.fold(...events);
    const [raised] = first.decide(NOW + 11_000);
    const other = new Scenario(rule);
    other.fold(...events);
    expect(other.decide(NOW + 14_500)[0]?.alert_id).toBe(raised?.alert_id);
    first.store.apply(raised!);
    const restarted = new Scenario(rule, first.store);
    restarted.fold(...events);
    expect(restarted.changes(NOW + 20_000)).toEqual([]);
    restarted.fold(at(NOW + 30_000, OUTSIDE));
    restarted.changes(NOW + 31_000);
    expect(restarted.changes(NOW + 70_000)).toEqual(['cleared: Vehicle 000001 entered Station']);
    // The vehicle's visit is read again.
    expect(new Scenario(rule, first.store).changes(NOW + 71_000)).toEqual([]);
  });

  it('decides once while its records are not stored', () => {
    const scenario = new Scenario('{ id: lag, kind: feed-lag, longerThan: 1m }');
    scenario.fold(at(NOW, OUTSIDE));
    expect(scenario.decide(NOW + 2 * MINUTE)).toHaveLength(1);
    expect(scenario.decide(NOW + 2 * MINUTE + 1_000)).toEqual([]);
    scenario.engine.forget();
    expect(scenario.decide(NOW + 2 * MINUTE + 2_000)).toHaveLength(1);
  });

  it('reports exits until the vehicle is back', () => {
    const scenario = new Scenario('{ id: out, kind: zone-left, zone: station, clearAfter: 0s }');
    scenario.fold(at(NOW, INSIDE), at(NOW + 10_000, OUTSIDE));
    expect(scenario.changes(NOW + 11_000)).toEqual(['raised: Vehicle 000001 left Station']);
    scenario.fold(at(NOW + 20_000, INSIDE));
    expect(scenario.changes(NOW + 21_000)).toEqual(['cleared: Vehicle 000001 left Station']);
  });

  it('measures the stay in a zone by event time', () => {
    const scenario = new Scenario('{ id: stay, kind: zone-dwell, zone: station, longerThan: 5m }');
    scenario.fold(at(NOW, INSIDE));
    expect(scenario.changes(NOW + 10 * MINUTE)).toEqual([]);
    scenario.fold(at(NOW + 5 * MINUTE, INSIDE));
    expect(scenario.changes(NOW + 10 * MINUTE)).toEqual([
      'raised: Vehicle 000001 has been for 5 min in Station',
    ]);
  });

  it('counts riders that wait in the zone, and clears below another number', () => {
    const scenario = new Scenario(
      '{ id: queue, kind: riders-waiting, zone: station, riders: 3, waitingFor: 10m, for: 5s, clearBelow: 2, clearAfter: 0s }',
    );
    scenario.fold(request(1, NOW), request(2, NOW), request(3, NOW + MINUTE), request(4, NOW, OUTSIDE));
    expect(scenario.changes(NOW + 10 * MINUTE)).toEqual([]);
    expect(scenario.changes(NOW + 11 * MINUTE)).toEqual([]);
    expect(scenario.changes(NOW + 11 * MINUTE + 5_000)).toEqual([
      'raised: 3 riders have waited for at least 10 min in Station',
    ]);
    const reserve = (trip: number) =>
      vehicleEvent({
        trip_ids: [id(trip)],
        device_id: id(trip),
        timestamp: NOW + 11 * MINUTE,
        location: OUTSIDE,
      });
    scenario.fold(reserve(1));
    expect(scenario.changes(NOW + 12 * MINUTE)).toEqual([]);
    scenario.fold(reserve(2));
    expect(scenario.changes(NOW + 12 * MINUTE + 1_000)).toEqual([
      'cleared: 3 riders have waited for at least 10 min in Station',
    ]);
  });

  it('reports vehicles in some states that are silent, for a day', () => {
    const scenario = new Scenario(
      '{ id: silent, kind: vehicle-silent, longerThan: 5m, states: [on_trip], clearAfter: 0s }',
    );
    const start = { vehicle_state: 'on_trip', event_types: ['trip_start'], location: OUTSIDE } as const;
    scenario.fold(
      vehicleEvent({ ...start, event_types: ['trip_start'], device_id: id(1) }),
      vehicleEvent({ device_id: id(2), location: OUTSIDE }),
    );
    expect(scenario.changes(NOW + 5 * MINUTE - 1)).toEqual([]);
    expect(scenario.changes(NOW + 5 * MINUTE)).toEqual([
      'raised: Vehicle 000001, on trip, has sent nothing for 5 min',
    ]);
    expect(scenario.changes(NOW + 24 * 60 * MINUTE)).toEqual([
      'cleared: Vehicle 000001, on trip, has sent nothing for 5 min',
    ]);
  });

  it('reports a speed that lasts', () => {
    const scenario = new Scenario('{ id: fast, kind: speeding, fasterThan: 14, longerThan: 20s }');
    const drive = (seconds: number, speed: number) =>
      scenario.fold(telemetry({ timestamp: NOW + seconds * 1_000, location: { ...OUTSIDE, speed } }));
    drive(0, 20);
    drive(10, 10);
    drive(20, 20);
    drive(30, 20);
    expect(scenario.changes(NOW + 31_000)).toEqual([]);
    drive(40, 15);
    expect(scenario.changes(NOW + 41_000)).toEqual(['raised: Vehicle 000001 is faster than 14 m/s for 20 s']);
  });

  it('raises one alert for all that exceed the limit of a minute, and counts further ones', () => {
    const scenario = new Scenario(
      '{ id: in, kind: zone-entered, zone: station, maxPerMinute: 2, clearAfter: 0s }',
    );
    for (let vehicle = 1; vehicle <= 6; vehicle += 1) {
      scenario.fold(at(NOW, OUTSIDE, vehicle), at(NOW + 10_000, INSIDE, vehicle));
    }
    expect(scenario.changes(NOW + 11_000)).toEqual([
      'raised: Vehicle 000001 entered Station',
      'raised: Vehicle 000002 entered Station',
      'raised: in: and 4 more',
    ]);
    expect(scenario.changes(NOW + 12_000)).toEqual([]);
    scenario.fold(at(NOW, OUTSIDE, 7), at(NOW + 20_000, INSIDE, 7));
    expect(scenario.changes(NOW + 21_000)).toEqual([]);
    expect(scenario.changes(NOW + 71_000)).toEqual(['updated: in: and 5 more']);
    for (let vehicle = 1; vehicle <= 7; vehicle += 1) scenario.fold(at(NOW + 80_000, OUTSIDE, vehicle));
    expect(scenario.changes(NOW + 81_000)).toHaveLength(3);
    expect(scenario.store.counts(null).open.warning).toBe(0);
  });

  it('clears alerts whose rule was removed', () => {
    const before = new Scenario('{ id: old, kind: feed-lag, longerThan: 1m }');
    before.fold(at(NOW, OUTSIDE));
    before.changes(NOW + 2 * MINUTE);
    const after = new Scenario('{ id: new, kind: feed-lag, longerThan: 9m }', before.store);
    expect(after.changes(NOW + 3 * MINUTE)).toHaveLength(1);
    expect(after.store.counts(null).open.warning).toBe(0);
  });

  it('limits a rule to a provider, whose alerts others do not see', () => {
    const scenario = new Scenario(`{ id: lag, kind: feed-lag, longerThan: 1m, provider: ${OTHER_PROVIDER} }`);
    scenario.fold(at(NOW, OUTSIDE), telemetry({ provider_id: OTHER_PROVIDER }));
    scenario.changes(NOW + 2 * MINUTE);
    expect(scenario.store.list(OTHER_PROVIDER)).toHaveLength(1);
    expect(scenario.store.list(PROVIDER)).toEqual([]);
    expect(scenario.store.counts(PROVIDER).open.warning).toBe(0);
    expect(scenario.store.changedAt(PROVIDER)).toBe(0);
  });
});
