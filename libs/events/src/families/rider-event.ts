import Type from 'typebox';
import { defineEventFamily } from '../registry/event-family.js';
import { Location } from '../schema/location.js';
import { Timestamp, Uuid } from '../schema/primitives.js';
import type { FieldIssue } from '../schema/schema-issues.js';

/** What a rider can do: request, cancel and rate a ride. */
export const riderEventTypes = ['ride_request', 'ride_cancel', 'ride_rating'] as const;
export type RiderEventType = (typeof riderEventTypes)[number];

/**
 * One event of a rider. MDS has no rider events; names and units follow its style. `location` is the rider's position.
 * `destination` is required for a request, `rating` (1 to 5) for a rating.
 */
export const RiderEvent = Type.Object(
  {
    event_id: Uuid,
    provider_id: Uuid,
    rider_id: Uuid,
    trip_id: Uuid,
    event_type: Type.Enum<RiderEventType[]>([...riderEventTypes]),
    timestamp: Timestamp,
    location: Location,
    destination: Type.Optional(Location),
    rating: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
  },
  { additionalProperties: false },
);
export type RiderEvent = Type.Static<typeof RiderEvent>;

/** A request requires a destination, a rating its value. */
function riderEventIssues({
  event_type: eventType,
  destination,
  rating,
}: Pick<RiderEvent, 'event_type' | 'destination' | 'rating'>): FieldIssue[] {
  const issues: FieldIssue[] = [];
  if (eventType === 'ride_request' && destination === undefined) {
    issues.push({ kind: 'missing', field: 'destination', rule: 'is required with ride_request' });
  }
  if (eventType === 'ride_rating' && rating === undefined) {
    issues.push({ kind: 'missing', field: 'rating', rule: 'is required with ride_rating' });
  }
  return issues;
}

export const riderEventFamily = defineEventFamily({
  name: 'rider-events',
  schemaName: 'RiderEvent',
  path: '/rider-events',
  summary: 'Report rider actions',
  description:
    'A ride request, cancellation or rating by a rider. Not part of MDS; names and units follow its style.',
  topic: { name: 'ride.rider-events', partitions: 12 },
  fields: { id: 'event_id', key: 'trip_id', time: 'timestamp' },
  table: 'rider_events',
  schema: RiderEvent,
  locations: ['location', 'destination'],
  rules: { fields: ['event_type', 'destination', 'rating'], issues: riderEventIssues },
  example: {
    event_id: '0197a1c7-5e60-7c38-a194-8dcf30610e55',
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    rider_id: '0197a1c8-6f71-7d49-b2a5-9ed041721f66',
    trip_id: '0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22',
    event_type: 'ride_request',
    timestamp: 1_750_319_700_000,
    location: { lat: 43.7347, lng: 7.4206 },
    destination: { lat: 43.7392, lng: 7.4277 },
  },
});
