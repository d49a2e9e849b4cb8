import Type from 'typebox';
import type { FieldIssue } from './validation.js';

/** Earliest timestamp MDS accepts: 2018-01-01T00:00:00Z, in milliseconds. */
export const EARLIEST_TIMESTAMP_MS = 1_514_764_800_000;

/** Latest timestamp that still has a four-digit year: 9999-12-31T23:59:59.999Z. */
export const LATEST_TIMESTAMP_MS = 253_402_300_799_999;

/** Most ids in one `trip_ids`: more passengers than a vehicle of this mode carries. */
export const MAX_TRIPS_AT_ONCE = 64;

/** A UUID in lower case, as MDS writes it. The pattern alone: `format` would check it a second time. */
export const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
});

/** Integer milliseconds since the Unix epoch. */
export const Timestamp = Type.Integer({ minimum: EARLIEST_TIMESTAMP_MS, maximum: LATEST_TIMESTAMP_MS });

/** MDS text: at most 255 characters. */
export const Text = Type.String({ maxLength: 255 });

/** Money: integer minor units of the currency named beside it. */
export const Money = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Null(),
]);

/** ISO 4217 alphabetic currency code. */
export const Currency = Type.Union([Type.String({ pattern: '^[A-Z]{3}$' }), Type.Null()]);

/** Whole percent. */
export const Percent = Type.Integer({ minimum: 0, maximum: 100 });

/** Ids of the trips that were under way; `null` means none. */
export const TripIds = Type.Union([Type.Array(Uuid, { maxItems: MAX_TRIPS_AT_ONCE }), Type.Null()]);

/** What MDS writes for a speed or heading that is not known. */
export const UNKNOWN = -1;

/**
 * A WGS 84 position: degrees; metres for altitude and accuracies; metres a second; degrees clockwise from north. A
 * heading or speed of -1 is unknown: accepted, and left out of what goes into the log ({@link knownLocation}).
 */
export const Location = Type.Object(
  {
    lat: Type.Number({ minimum: -90, maximum: 90 }),
    lng: Type.Number({ minimum: -180, maximum: 180 }),
    altitude: Type.Optional(Type.Number({ minimum: -12_000, maximum: 100_000 })),
    heading: Type.Optional(Type.Number({ minimum: UNKNOWN, maximum: 360 })),
    speed: Type.Optional(Type.Number({ minimum: UNKNOWN, maximum: 1_000 })),
    horizontal_accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1e7 })),
    vertical_accuracy: Type.Optional(Type.Number({ minimum: 0, maximum: 1e7 })),
    satellites: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  },
  { additionalProperties: false },
);
export type Location = Type.Static<typeof Location>;

/** What the schema can't say: of the values below zero, a heading or speed may have -1 alone. `field` is its path. */
export function locationIssues(location: Location, field: string): FieldIssue[] {
  const issues: FieldIssue[] = [];
  for (const name of ['heading', 'speed'] as const) {
    const value = location[name];
    if (value !== undefined && value < 0 && value !== UNKNOWN) {
      issues.push({ kind: 'invalid', field: `${field}.${name}`, rule: 'must be >= 0, or -1 if unknown' });
    }
  }
  return issues;
}

/** A location without a heading and speed that are unknown; the same object if both are known. */
export function knownLocation(location: Location): Location {
  if (location.heading !== UNKNOWN && location.speed !== UNKNOWN) return location;
  const { heading, speed, ...known } = location;
  return {
    ...known,
    ...(heading !== undefined && heading !== UNKNOWN && { heading }),
    ...(speed !== undefined && speed !== UNKNOWN && { speed }),
  };
}
