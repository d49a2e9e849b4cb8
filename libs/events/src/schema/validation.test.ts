import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import * as examples from '../../test/_examples.js';
import { riderEventFamily } from '../families/rider-event.js';
import { telemetryFamily } from '../families/telemetry.js';
import { tripFamily } from '../families/trip.js';
import { vehicleEventFamily } from '../families/vehicle-event.js';
import { compileValidator, MAX_ISSUES_PER_ITEM } from './validation.js';

const families = [telemetryFamily, vehicleEventFamily, riderEventFamily, tripFamily] as const;

/** An array that counts reads of its elements. */
function countedArray(elements: readonly unknown[]): { readonly array: unknown[]; reads(): number } {
  let reads = 0;
  const array = new Proxy([...elements], {
    get(target, property, receiver) {
      if (typeof property === 'string' && /^\d+$/.test(property)) reads += 1;
      return Reflect.get(target, property, receiver) as unknown;
    },
  });
  return { array, reads: () => reads };
}

describe('the work on a value that does not match', () => {
  it.each([
    ['numbers', Array.from({ length: 100_000 }, () => 1)],
    ['ids', Array.from({ length: 10_000 }, () => examples.telemetry.device_id)],
  ])('does not depend on the number of %s in an array', (_, elements) => {
    const { array, reads } = countedArray(elements);
    const event = { ...examples.vehicleEvent, event_geographies: array };
    expect(vehicleEventFamily.validator.issues(event)).toEqual([
      { kind: 'invalid', field: 'event_geographies', rule: 'must not have more than 256 items' },
    ]);
    expect(reads()).toBe(0);
  });

  it('stops at the first element of an array that does not match', () => {
    const { array, reads } = countedArray(Array.from({ length: 200 }, () => 'street'));
    const event = { ...examples.vehicleEvent, event_geographies: array };
    expect(vehicleEventFamily.validator.issues(event)).toEqual([
      { kind: 'invalid', field: 'event_geographies.0', rule: 'must be a UUID in lower case' },
    ]);
    expect(reads()).toBeLessThan(10);
  });

  it('stops at the maximum number of issues, however many fields are unknown', () => {
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`field${index}`, 1]));
    expect(telemetryFamily.validator.issues(unknown)).toHaveLength(MAX_ISSUES_PER_ITEM);
  });
});

describe('issues', () => {
  it.each([
    [
      { location_type: 'moon' },
      'location_type',
      'must be one of street, sidewalk, crosswalk, garage, bike_lane',
    ],
    [{ journey_id: 7 }, 'journey_id', 'must be string or null'],
    [{ journey_id: 'x' }, 'journey_id', 'must be a UUID in lower case'],
    [{ trip_ids: ['x'] }, 'trip_ids.0', 'must be a UUID in lower case'],
    [{ trip_ids: {} }, 'trip_ids', 'must be array or null'],
    [{ tipped_over: 'no' }, 'tipped_over', 'must be boolean'],
  ])('of %j name field and rule', (change, field, rule) => {
    expect(telemetryFamily.validator.issues({ ...examples.telemetry, ...change })).toEqual([
      { kind: 'invalid', field, rule },
    ]);
  });

  it('count characters instead of code units', () => {
    const ticket = (text: string) =>
      vehicleEventFamily.validator.issues({ ...examples.vehicleEvent, associated_ticket: text });
    expect(ticket('🚕'.repeat(255))).toEqual([]);
    expect(ticket('🚕'.repeat(256))).toMatchObject([{ rule: 'must not have more than 255 characters' }]);
  });

  it('are found for exactly the values that the schema library rejects', () => {
    const items = [examples.telemetry, examples.vehicleEvent, examples.riderEvent, examples.trip];
    const checks = families.map(({ schema }) => Compile(schema));
    for (const item of items.flatMap((each) => [each, ...variants(each)])) {
      for (const [place, check] of checks.entries()) {
        const { validator } = compiled[place]!;
        expect([item, validator.issues(item).length === 0]).toEqual([item, check.Check(item)]);
      }
    }
  });

  it('are not available for a schema with an unsupported keyword', () => {
    expect(() => compileValidator(Type.Number({ multipleOf: 2 }))).toThrow('multipleOf');
  });
});

/** The schemas of the families, without their further rules. */
const compiled = families.map(({ schema }) => ({ validator: compileValidator(schema) }));

const SUBSTITUTES: readonly unknown[] = [
  null, true, 0, -1, 1.5, 1e300, 1_760_000_000_000, '', 'x', 'EUR', 'x'.repeat(300), 'x'.repeat(3_000), 'app', 'street',
  '0195a0c4-7a10-7000-8000-000000000001', [], [1], ['0195a0c4-7a10-7000-8000-000000000001'], ['trip_start'], {},
  { lat: 1, lng: 2 }, { lat: 1 }, { lat: 91, lng: 0 }, Array.from({ length: 300 }, () => 'trip_start'),
]; // prettier-ignore

/** Yields the value with each field, at any depth, removed or replaced, and with an additional field. */
function* variants(value: unknown): Generator<unknown> {
  yield* SUBSTITUTES;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  yield { ...value, unknown_field: 1 };
  for (const [field, inner] of Object.entries(value)) {
    yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== field));
    for (const changed of variants(inner)) yield { ...value, [field]: changed };
  }
}
