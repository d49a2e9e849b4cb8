import { telemetryFamily } from '@hailstream/events';
import { describe, expect, it } from 'vitest';
import { TraceDevices } from './trace-devices.js';
import type { Fix } from './trace-format.js';

const providerId = '0197a1c0-6d1f-7000-8000-000000000001';
const eventMs = 1_790_000_000_000;

function fix(change: Partial<Fix> = {}): Fix {
  return { cab: 'abc', timestampMs: 1_211_382_000_000, lat: 37.5, lng: -122.4, occupied: false, ...change };
}

describe('TraceDevices', () => {
  it('creates valid telemetry, with the same ids for the same fix at the same time', () => {
    const [one, other] = [new TraceDevices({ providerId }), new TraceDevices({ providerId })];
    const point = one.telemetry(fix(), eventMs);
    expect(telemetryFamily.validator.issues(point)).toEqual([]);
    expect(other.telemetry(fix(), eventMs)).toEqual(point);
    expect(other.telemetry(fix({ cab: 'abd' }), eventMs)?.device_id).not.toBe(point?.device_id);
    expect(new TraceDevices({ providerId }).telemetry(fix(), eventMs + 1)?.telemetry_id).not.toBe(
      point?.telemetry_id,
    );
  });

  it('uses UUIDv5 for devices and telemetry', () => {
    expect(new TraceDevices({ providerId }).telemetry(fix(), eventMs)).toMatchObject({
      device_id: '4b91024f-924b-5d66-bb6d-7b540df19ccf',
      telemetry_id: '664152e3-9140-5d7c-8b91-4267f799ec33',
    });
  });

  it('distinguishes two fixes of a cab with the same time, and skips a repeated one', () => {
    const devices = new TraceDevices({ providerId });
    const first = devices.telemetry(fix(), eventMs);
    expect(devices.telemetry(fix(), eventMs)).toBeUndefined();
    const second = devices.telemetry(fix({ lat: 37.6 }), eventMs);
    expect(devices.telemetry(fix({ lat: 37.6, occupied: true }), eventMs)).toBeUndefined();
    expect(second?.telemetry_id).not.toBe(first?.telemetry_id);
  });

  it('creates other telemetry and trips of the same devices for another provider', () => {
    const other = new TraceDevices({ providerId: providerId.replace(/1$/, '2') });
    const [one, two] = [new TraceDevices({ providerId }), other].map((devices) =>
      devices.telemetry(fix({ occupied: true }), eventMs),
    );
    expect(two?.device_id).toBe(one?.device_id);
    expect(two?.telemetry_id).not.toBe(one?.telemetry_id);
    expect(two?.trip_ids).not.toEqual(one?.trip_ids);
  });

  it('derives speed and heading from consecutive fixes if they are plausible', () => {
    const devices = new TraceDevices({ providerId });
    const at = (seconds: number, change: Partial<Fix>) =>
      devices.telemetry(
        fix({ timestampMs: fix().timestampMs + seconds * 1_000, ...change }),
        eventMs + seconds * 1_000,
      )?.location;
    expect(at(0, {})).toEqual({ lat: 37.5, lng: -122.4 });
    expect(at(10, { lat: 37.501 })).toMatchObject({ heading: 0, speed: 11.1 });
    expect(at(20, { lat: 37.501 })).toMatchObject({ heading: 0, speed: 0 });
    expect(at(30, { lat: 37.6 })).toEqual({ lat: 37.6, lng: -122.4 });
    expect(at(900, { lat: 37.601 })).toEqual({ lat: 37.601, lng: -122.4 });
  });

  it('creates one trip per period in which a cab is occupied', () => {
    const devices = new TraceDevices({ providerId });
    const trips = [false, true, true, false, true].map(
      (occupied, index) =>
        devices.telemetry(
          fix({ occupied, timestampMs: fix().timestampMs + index * 60_000 }),
          eventMs + index * 60_000,
        )?.trip_ids?.[0],
    );
    expect(trips[0]).toBeUndefined();
    expect(trips[1]).toBeDefined();
    expect(trips[2]).toBe(trips[1]);
    expect(trips[3]).toBeUndefined();
    expect(trips[4]).not.toBe(trips[1]);
  });
});
