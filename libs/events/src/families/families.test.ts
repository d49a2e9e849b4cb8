import { describe, expect, it } from 'vitest';
import * as examples from '../../test/_examples.js';
import { identityOf } from '../registry/event-family.js';
import type { FieldIssue } from '../schema/schema-issues.js';
import { riderEventFamily } from './rider-event.js';
import { telemetryFamily } from './telemetry.js';
import { tripFamily } from './trip.js';
import { vehicleEventFamily } from './vehicle-event.js';

const telemetryIssues = (change: object): FieldIssue[] =>
  telemetryFamily.validator.issues({ ...examples.telemetry, ...change });

describe('telemetry', () => {
  it('is valid in the form of MDS', () => {
    expect(telemetryFamily.validator.issues(examples.telemetry)).toEqual([]);
  });

  it('may omit the fields that are null off a trip', () => {
    const { trip_ids: _trips, journey_id: _journey, ...rest } = examples.telemetry;
    expect(telemetryFamily.validator.check(rest)).toBe(true);
  });

  it.each([
    [{ timestamp: 1_500_000_000_000 }, 'timestamp', 'must be >= 1514764800000'],
    [{ timestamp: 1_760_000_000_000.5 }, 'timestamp', 'must be integer'],
    [{ timestamp: '1760000000000' }, 'timestamp', 'must be integer'],
    [{ device_id: 'cab-7' }, 'device_id', 'must be a UUID in lower case'],
    [{ device_id: examples.telemetry.device_id.toUpperCase() }, 'device_id', 'must be a UUID in lower case'],
    [{ location: { lat: 90.1, lng: 0 } }, 'location.lat', 'must be <= 90'],
    [{ location: { lat: 0, lng: -180.5 } }, 'location.lng', 'must be >= -180'],
    [{ location: { lat: Number.NaN, lng: 0 } }, 'location.lat', 'must be number'],
    [{ location: null }, 'location', 'must be object'],
    [{ battery_percent: 101 }, 'battery_percent', 'must be <= 100'],
  ])('rejects %j with field and rule', (change, field, rule) => {
    expect(telemetryIssues(change)).toEqual([{ kind: 'invalid', field, rule }]);
  });

  it('names missing fields, including nested ones', () => {
    const { telemetry_id: _id, ...rest } = examples.telemetry;
    expect(telemetryFamily.validator.issues({ ...rest, location: { lat: 1 } })).toEqual([
      { kind: 'missing', field: 'telemetry_id', rule: 'is required' },
      { kind: 'missing', field: 'location.lng', rule: 'is required' },
    ]);
  });

  it('names unknown fields', () => {
    expect(telemetryIssues({ spede: 3, location: { ...examples.telemetry.location, hdg: 1 } })).toEqual([
      { kind: 'unknown', field: 'spede', rule: 'is not a field of this item' },
      { kind: 'unknown', field: 'location.hdg', rule: 'is not a field of this item' },
    ]);
  });

  it.each([null, 7, 'x', [], true])('rejects %j', (value) => {
    expect(telemetryFamily.validator.check(value)).toBe(false);
    expect(telemetryFamily.validator.issues(value).length).toBeGreaterThan(0);
  });
});

describe('vehicle events', () => {
  it('are valid in the form of MDS', () => {
    expect(vehicleEventFamily.validator.issues(examples.vehicleEvent)).toEqual([]);
  });

  it('require an event type that leads to their state', () => {
    expect(
      vehicleEventFamily.validator.issues({ ...examples.vehicleEvent, event_types: ['trip_end'] }),
    ).toEqual([
      { kind: 'invalid', field: 'event_types', rule: 'trip_end does not lead to vehicle_state on_trip' },
    ]);
  });

  it('require trip_ids if an event type concerns a trip', () => {
    expect(vehicleEventFamily.validator.issues({ ...examples.vehicleEvent, trip_ids: [] })).toEqual([
      { kind: 'missing', field: 'trip_ids', rule: 'is required with trip_start' },
    ]);
  });

  it('list the valid states if the state is invalid', () => {
    const [issue] = vehicleEventFamily.validator.issues({
      ...examples.vehicleEvent,
      vehicle_state: 'flying',
    });
    expect(issue).toMatchObject({ kind: 'invalid', field: 'vehicle_state' });
    expect(issue?.rule).toContain('available, reserved, on_trip');
  });
});

describe('rider events', () => {
  it('are accepted', () => {
    expect(riderEventFamily.validator.issues(examples.riderEvent)).toEqual([]);
  });

  it('require a destination for a request and a rating for a rating', () => {
    const { destination: _destination, ...rest } = examples.riderEvent;
    expect(riderEventFamily.validator.issues(rest)).toEqual([
      { kind: 'missing', field: 'destination', rule: 'is required with ride_request' },
    ]);
    expect(riderEventFamily.validator.issues({ ...rest, event_type: 'ride_rating' })).toEqual([
      { kind: 'missing', field: 'rating', rule: 'is required with ride_rating' },
    ]);
  });
});

describe('trips', () => {
  it('are valid in the form of MDS', () => {
    expect(tripFamily.validator.issues(examples.trip)).toEqual([]);
  });

  it('must not end before they start', () => {
    expect(tripFamily.validator.issues({ ...examples.trip, end_time: examples.trip.start_time - 1 })).toEqual(
      [{ kind: 'invalid', field: 'end_time', rule: 'must not be before start_time' }],
    );
  });
});

describe('keys', () => {
  it('are the device for vehicles and the trip for riders and trips', () => {
    expect(telemetryFamily.key(examples.telemetry)).toBe(examples.telemetry.device_id);
    expect(vehicleEventFamily.key(examples.vehicleEvent)).toBe(examples.vehicleEvent.device_id);
    expect(riderEventFamily.key(examples.riderEvent)).toBe(examples.riderEvent.trip_id);
    expect(tripFamily.key(examples.trip)).toBe(examples.trip.trip_id);
  });
});

describe(identityOf, () => {
  it('distinguishes the same id of two providers', () => {
    const other = { ...examples.trip, provider_id: examples.trip.device_id };
    expect(identityOf(tripFamily, other)).not.toBe(identityOf(tripFamily, examples.trip));
    expect(identityOf(tripFamily, { ...examples.trip, distance: 1 })).toBe(
      identityOf(tripFamily, examples.trip),
    );
  });
});

describe('a heading or speed of -1', () => {
  const unknown = { lat: 1, lng: 2, heading: -1, speed: -1 };
  const place = { lat: 1, lng: 2 };

  it('is accepted in every location, and removed', () => {
    const { telemetry, vehicleEvent, riderEvent, trip } = examples;
    const cases = [
      [telemetryFamily, { ...telemetry, location: unknown }, { ...telemetry, location: place }],
      [vehicleEventFamily, { ...vehicleEvent, location: unknown }, { ...vehicleEvent, location: place }],
      [
        riderEventFamily,
        { ...riderEvent, location: unknown, destination: unknown },
        { ...riderEvent, location: place, destination: place },
      ],
      [
        tripFamily,
        {
          ...trip,
          start_location: unknown,
          end_location: unknown,
          trip_attributes: { ...trip.trip_attributes!, requested_trip_start_location: unknown },
        },
        {
          ...trip,
          start_location: place,
          end_location: place,
          trip_attributes: { ...trip.trip_attributes!, requested_trip_start_location: place },
        },
      ],
    ] as const;
    for (const [family, sent, known] of cases) {
      expect(family.validator.issues(sent)).toEqual([]);
      expect(family.normalize(sent as never)).toEqual(known);
    }
  });

  it('removes unknown values only, and returns other events as they are', () => {
    const { telemetry } = examples;
    const still = { ...telemetry, location: { ...place, heading: -1, speed: 0 } };
    expect(telemetryFamily.normalize(still).location).toEqual({ ...place, speed: 0 });
    expect(telemetryFamily.normalize(telemetry)).toBe(telemetry);
    expect(tripFamily.normalize(examples.trip)).toBe(examples.trip);
  });

  it.each([-0.5, -2, -359])('is the only valid negative value: %d is rejected', (value) => {
    for (const name of ['heading', 'speed']) {
      expect(telemetryIssues({ location: { ...place, [name]: value } })).toMatchObject([
        { kind: 'invalid', field: `location.${name}`, rule: expect.stringMatching(/^must be >= /) as string },
      ]);
    }
  });
});
