import Type from 'typebox';
import type { FieldIssue } from './schema-issues.js';

/** MDS's value of an unknown speed or heading. */
const UNKNOWN = -1;

/**
 * A WGS 84 position. Units: degrees for latitude and longitude, metres for altitude and accuracies, metres per second for
 * speed, degrees clockwise from north for heading. A heading or speed of -1 means unknown: it is accepted, and
 * {@link withKnownLocation} removes it.
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

/** Checks what the schema cannot express: -1 is the only negative heading or speed. `field` is the location's path. */
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

/** Removes an unknown heading and an unknown speed of the location at a path. Returns the same object if it has none. */
export function withKnownLocation<T extends object>(object: T, path: readonly string[], depth = 0): T {
  const name = path[depth] as keyof T & string;
  const value = object[name] as object | null | undefined;
  if (value === undefined || value === null) return object;
  const known =
    depth + 1 < path.length ? withKnownLocation(value, path, depth + 1) : knownLocation(value as Location);
  return known === value ? object : { ...object, [name]: known };
}

function knownLocation(location: Location): Location {
  if (location.heading !== UNKNOWN && location.speed !== UNKNOWN) return location;
  const { heading, speed, ...known } = location;
  return {
    ...known,
    ...(heading !== undefined && heading !== UNKNOWN && { heading }),
    ...(speed !== undefined && speed !== UNKNOWN && { speed }),
  };
}
