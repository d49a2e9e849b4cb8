import Type from 'typebox';
import { Location, locationIssues, Timestamp, Uuid } from './primitives.js';
import type { FieldIssue } from './validation.js';

/** What a rider does: asks for a ride, gives it up, rates it. */
export const riderEventTypes = ['ride_request', 'ride_cancel', 'ride_rating'] as const;
export type RiderEventType = (typeof riderEventTypes)[number];

/**
 * One event of a rider. MDS has none of these; names and units follow its style. `location` is where the rider was;
 * `destination` comes with a request, `rating` (1 to 5) with a rating.
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

/** What the schema can't say: a request names its destination, a rating its stars. */
export function riderEventIssues(event: RiderEvent): FieldIssue[] {
  const { event_type: eventType, destination, rating } = event;
  const issues = locationIssues(event.location, 'location');
  if (destination !== undefined) issues.push(...locationIssues(destination, 'destination'));
  if (eventType === 'ride_request' && destination === undefined) {
    issues.push({ kind: 'missing', field: 'destination', rule: 'is required with ride_request' });
  }
  if (eventType === 'ride_rating' && rating === undefined) {
    issues.push({ kind: 'missing', field: 'rating', rule: 'is required with ride_rating' });
  }
  return issues;
}
