import { createHash } from 'node:crypto';
import { erasureKinds, type ErasureKind } from './erasures.js';
import { eventRegistry } from './event-registry.js';
import { tripFamily } from './families/trip.js';

/** Names of fields and columns with the id of a rider or a device, such as `device_id` and `reported_device_id`. */
export const personalIdNames: Readonly<Record<ErasureKind, RegExp>> = {
  rider: /(^|_)rider_ids?$/,
  device: /(^|_)device_ids?$/,
};

/** Fields and columns of trips that say where or how, and are removed with the id. */
export const removedTripFields: ReadonlySet<string> = new Set([
  'journey_id',
  'journey_attributes',
  'parking_verification_url',
  'route',
  'pickup_lat',
  'pickup_lng',
  'dropoff_lat',
  'dropoff_lng',
  'h3_cell',
]);

/** Fields of a trip's `trip_attributes` that name the driver or a place, and are removed with the id. */
export const removedTripAttributes = [
  'driver_id',
  'permit_license_number',
  'pickup_address',
  'dropoff_address',
  'requested_trip_start_location',
] as const;

/** Decimals of the places that a trip must have: about a kilometre. */
export const COARSE_DECIMALS = 2;

/** The fields of events with the id of a rider or a device, of all families. */
export const personalIdFields: Readonly<Record<ErasureKind, readonly string[]>> = {
  rider: fieldsOf('rider'),
  device: fieldsOf('device'),
};

/** Whether fields are those of a trip, which remains countable after an erasure: it is made anonymous. Other events are removed. */
export function isTrip(event: Readonly<Record<string, unknown>>): boolean {
  return Object.hasOwn(event, tripFamily.fields.id) && Object.hasOwn(event, tripFamily.fields.time);
}

/**
 * A trip without what identifies a person: erased ids are replaced by another id for each trip, so that the trips cannot be
 * connected, and its places are coarse. The result depends on the trip alone, and is the same if it is anonymous already.
 */
export function anonymousTrip(
  trip: Readonly<Record<string, unknown>>,
  isErased: (kind: ErasureKind, id: string) => boolean,
): Record<string, unknown> {
  const anonymous: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(trip)) {
    if (removedTripFields.has(name)) continue;
    const isId = erasureKinds.some(
      (kind) => personalIdNames[kind].test(name) && typeof value === 'string' && isErased(kind, value),
    );
    if (isId) anonymous[name] = pseudonymOf(trip);
    else if (name.endsWith('_location')) anonymous[name] = coarse(value);
    else if (name === 'trip_attributes') anonymous[name] = withoutPersonalAttributes(value);
    else anonymous[name] = value;
  }
  return anonymous;
}

function fieldsOf(kind: ErasureKind): readonly string[] {
  const names = eventRegistry.families.flatMap(({ schema }) => {
    const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, unknown>> };
    return Object.keys(properties);
  });
  return [...new Set(names)].filter((name) => personalIdNames[kind].test(name));
}

/** A UUID (version 8) of the trip's own id, which has no relation to the person. */
function pseudonymOf(trip: Readonly<Record<string, unknown>>): string {
  const hash = createHash('sha256')
    .update(`${String(trip['provider_id'])}/${String(trip[tripFamily.fields.id])}`)
    .digest();
  hash[6] = (hash[6]! & 0x0f) | 0x80;
  hash[8] = (hash[8]! & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function coarse(location: unknown): unknown {
  if (typeof location !== 'object' || location === null) return location;
  const { lat, lng } = location as { readonly lat?: unknown; readonly lng?: unknown };
  return { lat: rounded(lat), lng: rounded(lng) };
}

function rounded(degrees: unknown): unknown {
  return typeof degrees === 'number' ? Number(degrees.toFixed(COARSE_DECIMALS)) : null;
}

function withoutPersonalAttributes(attributes: unknown): unknown {
  if (typeof attributes !== 'object' || attributes === null) return attributes;
  const removed: readonly string[] = removedTripAttributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !removed.includes(name)));
}
