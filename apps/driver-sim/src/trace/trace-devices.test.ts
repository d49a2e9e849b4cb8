import {
  isValidChange,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type Telemetry,
  type VehicleEvent,
  type VehicleState,
} from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import type { TraceReports } from './trace-device.js';
import { CONTACT_TIMEOUT_MS, TraceDevices } from './trace-devices.js';
import type { Fix } from './trace-format.js';

const providerId = '0197a1c0-6d1f-7000-8000-000000000001';
const eventMs = 1_790_000_000_000;
const recordedMs = 1_211_382_000_000;
const MINUTE_MS = 60_000;

function fix(change: Partial<Fix> = {}): Fix {
  return { cab: 'abc', timestampMs: recordedMs, lat: 37.5, lng: -122.4, occupied: false, ...change };
}

function pointOf(devices: TraceDevices, at: Fix, timestamp = eventMs): Telemetry | undefined {
  return devices.reports(at, timestamp)?.telemetry;
}

function eventMsOf(timestampMs: number): number {
  return eventMs + timestampMs - recordedMs;
}

/** Reports fixes as a replay does: each is a time in minutes, and an occupancy. */
function replay(
  fixes: readonly (readonly [minutes: number, occupied: boolean | undefined, change?: Partial<Fix>])[],
): { events: VehicleEvent[]; reports: TraceReports[] } {
  const devices = new TraceDevices({ providerId });
  const events: VehicleEvent[] = [];
  const reports: TraceReports[] = [];
  for (const [minutes, occupied, change] of fixes) {
    const at = fix({ occupied, timestampMs: recordedMs + minutes * MINUTE_MS, ...change });
    events.push(...devices.lossesUntil(at.timestampMs, eventMsOf));
    const reported = devices.reports(at, eventMsOf(at.timestampMs))!;
    reports.push(reported);
    if (reported.event !== undefined) events.push(reported.event);
  }
  return { events, reports };
}

function shown(events: readonly VehicleEvent[]): string[] {
  return events.map(({ timestamp, vehicle_state, event_types }) => {
    return `${(timestamp - eventMs) / MINUTE_MS} ${vehicle_state} ${event_types.join(' ')}`;
  });
}

const START = 'on_trip reservation_start reservation_stop trip_start';
const END = 'available trip_stop trip_end';

describe('telemetry of a trace', () => {
  it('is valid, with the same ids for the same fix at the same time', () => {
    const [one, other] = [new TraceDevices({ providerId }), new TraceDevices({ providerId })];
    const point = pointOf(one, fix());
    expect(telemetryFamily.validator.issues(point)).toEqual([]);
    expect(pointOf(other, fix())).toEqual(point);
    expect(pointOf(other, fix({ cab: 'abd' }))?.device_id).not.toBe(point?.device_id);
    const later = pointOf(new TraceDevices({ providerId }), fix(), eventMs + 1);
    expect(later?.telemetry_id).not.toBe(point?.telemetry_id);
  });

  it('has UUIDv5 as ids', () => {
    expect(pointOf(new TraceDevices({ providerId }), fix())).toMatchObject({
      device_id: '4b91024f-924b-5d66-bb6d-7b540df19ccf',
      telemetry_id: '664152e3-9140-5d7c-8b91-4267f799ec33',
    });
  });

  it('distinguishes two fixes of a cab with the same time, and skips a repeated one', () => {
    const devices = new TraceDevices({ providerId });
    const first = pointOf(devices, fix());
    expect(devices.reports(fix(), eventMs)).toBeUndefined();
    const second = pointOf(devices, fix({ lat: 37.6 }));
    expect(devices.reports(fix({ lat: 37.6, occupied: true }), eventMs)).toBeUndefined();
    expect(second?.telemetry_id).not.toBe(first?.telemetry_id);
  });

  it('has the same devices, but other points, events and trips, for another provider', () => {
    const other = new TraceDevices({ providerId: providerId.replace(/1$/, '2') });
    const [one, two] = [new TraceDevices({ providerId }), other].map((devices) =>
      devices.reports(fix({ occupied: true }), eventMs),
    );
    expect(two?.telemetry.device_id).toBe(one?.telemetry.device_id);
    expect(two?.telemetry.telemetry_id).not.toBe(one?.telemetry.telemetry_id);
    expect(two?.telemetry.trip_ids).not.toEqual(one?.telemetry.trip_ids);
    expect(two?.event?.event_id).not.toBe(one?.event?.event_id);
  });

  it('has speed and heading since the previous fix if they are plausible', () => {
    const devices = new TraceDevices({ providerId });
    const at = (seconds: number, change: Partial<Fix>) =>
      pointOf(
        devices,
        fix({ timestampMs: recordedMs + seconds * 1_000, ...change }),
        eventMs + seconds * 1_000,
      )?.location;
    expect(at(0, {})).toEqual({ lat: 37.5, lng: -122.4 });
    expect(at(10, { lat: 37.501 })).toMatchObject({ heading: 0, speed: 11.1 });
    expect(at(20, { lat: 37.501 })).toMatchObject({ heading: 0, speed: 0 });
    expect(at(30, { lat: 37.6 })).toEqual({ lat: 37.6, lng: -122.4 });
    expect(at(900, { lat: 37.601 })).toEqual({ lat: 37.601, lng: -122.4 });
  });

  it('has one trip per period in which the cab is occupied; an unknown occupancy is that of the fix before', () => {
    const { reports } = replay([
      [0, undefined],
      [1, true],
      [2, undefined],
      [3, true],
      [4, false],
      [5, undefined],
      [6, true],
    ]);
    const trips = reports.map(({ telemetry }) => telemetry.trip_ids?.[0]);
    expect(trips.map((trip) => trip !== undefined)).toEqual([false, true, true, true, false, false, true]);
    expect(new Set(trips.slice(1, 4)).size).toBe(1);
    expect(trips[6]).not.toBe(trips[1]);
  });
});

describe('vehicle events of a trace', () => {
  it('are a start of service, and the start and end of each trip', () => {
    const { events, reports } = replay([
      [0, false],
      [1, false],
      [2, true],
      [3, true],
      [4, false],
      [5, true],
    ]);
    expect(shown(events)).toEqual([`0 available service_start`, `2 ${START}`, `4 ${END}`, `5 ${START}`]);
    expect(events.map(({ trip_ids }) => trip_ids?.[0])).toEqual(
      [0, 2, 3, 5].map((index) => reports[index]!.telemetry.trip_ids?.[0]),
    );
    expect(events[1]!.trip_ids).toBeDefined();
  });

  it('do not contain the start of a trip that was under way at the first fix', () => {
    const { events, reports } = replay([
      [0, true],
      [1, false],
    ]);
    expect(shown(events)).toEqual(['0 on_trip comms_restored', `1 ${END}`]);
    expect(events.map(({ trip_ids }) => trip_ids)).toEqual([
      reports[0]!.telemetry.trip_ids,
      reports[0]!.telemetry.trip_ids,
    ]);
  });

  it.each([
    [false, false, 'available comms_restored'],
    [false, true, 'on_trip comms_restored reservation_start reservation_stop trip_start'],
    [true, true, 'on_trip comms_restored'],
    [true, false, 'available comms_restored trip_stop trip_end'],
  ])(
    'report lost contact after ten minutes of silence (occupied before: %s, after: %s)',
    (before, after, restored) => {
      const { events } = replay([
        [0, before],
        [5, before, { cab: 'another', occupied: undefined }],
        [11, before, { cab: 'another', occupied: undefined }],
        [30, after],
      ]);
      expect(shown(events).slice(1)).toEqual(['10 non_contactable comms_lost', `30 ${restored}`]);
    },
  );

  it('report no loss of contact after exactly ten minutes, or of a cab without a known state', () => {
    const timeout = CONTACT_TIMEOUT_MS / MINUTE_MS;
    expect(
      shown(
        replay([
          [0, false],
          [timeout, false],
        ]).events,
      ),
    ).toEqual(['0 available service_start']);
    expect(
      replay([
        [0, undefined],
        [timeout + 1, undefined],
      ]).events,
    ).toEqual([]);
  });

  it('are valid, with valid transitions in order of unique times, whatever the trace', () => {
    let state = 7;
    const random = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below;
    let minutes = 0;
    const fixes = Array.from({ length: 3_000 }, () => {
      minutes += [0, 0.5, 1, 2, 25][random(5)]!;
      const occupied = [true, false, undefined][random(3)];
      return [minutes, occupied, { cab: `cab${random(4)}`, lat: 37 + random(1_000) / 10_000 }] as const;
    });
    const { events } = replay(fixes);
    expect(events.flatMap((event) => vehicleEventFamily.validator.issues(event))).toEqual([]);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
    const last = new Map<string, VehicleEvent>();
    const reached = new Set<VehicleState>();
    for (const event of events) {
      const previous = last.get(event.device_id);
      last.set(event.device_id, event);
      reached.add(event.vehicle_state);
      if (previous === undefined) continue;
      expect(event.timestamp).toBeGreaterThan(previous.timestamp);
      const change = { from: previous.vehicle_state, to: event.vehicle_state, eventTypes: event.event_types };
      expect(isValidChange(change), JSON.stringify(change)).toBe(true);
    }
    expect([...reached].toSorted()).toEqual(['available', 'non_contactable', 'on_trip']);
  });
});

describe('trips of a trace', () => {
  it('are reported at their end, with times, places, duration and distance', () => {
    const { reports } = replay([
      [0, false],
      [1, true],
      [2, true, { lat: 37.51 }],
      [3, false, { lat: 37.52 }],
    ]);
    expect(reports.map(({ trip }) => trip !== undefined)).toEqual([false, false, false, true]);
    const { trip } = reports[3]!;
    expect(tripFamily.validator.issues(trip)).toEqual([]);
    expect(trip).toEqual({
      provider_id: providerId,
      device_id: reports[1]!.telemetry.device_id,
      trip_id: reports[1]!.telemetry.trip_ids![0],
      start_time: eventMs + MINUTE_MS,
      end_time: eventMs + 3 * MINUTE_MS,
      start_location: { lat: 37.5, lng: -122.4 },
      end_location: { lat: 37.52, lng: -122.4 },
      duration: 120,
      distance: 2_224,
    });
  });

  it('do not count the way to a wrong fix and back as distance', () => {
    const { reports } = replay([
      [0, false],
      [1, true],
      [2, true, { lat: 38.5 }],
      [3, true],
      [4, false, { lat: 37.51 }],
    ]);
    expect(reports[4]!.trip?.distance).toBe(1_112);
  });

  it.each([
    [
      'that was under way at the first fix',
      [
        [0, true],
        [1, false],
      ],
    ],
    [
      'that started without contact',
      [
        [0, false],
        [20, true],
        [21, false],
      ],
    ],
    [
      'that lost contact',
      [
        [0, false],
        [1, true],
        [20, true],
        [21, false],
      ],
    ],
    [
      'that ended without contact',
      [
        [0, false],
        [1, true],
        [20, false],
      ],
    ],
    [
      'that has not ended',
      [
        [0, false],
        [1, true],
      ],
    ],
  ] as const)('are not reported if a required field is unknown: one %s', (_which, fixes) => {
    expect(replay(fixes).reports.flatMap(({ trip }) => trip ?? [])).toEqual([]);
  });
});
