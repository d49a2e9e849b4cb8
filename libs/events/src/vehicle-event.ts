import Type from 'typebox';
import { Location, locationIssues, Percent, Text, Timestamp, TripIds, Uuid } from './primitives.js';
import {
  isValidArrival,
  tripEventTypes,
  vehicleEventTypes,
  vehicleStates,
  type VehicleEventType,
  type VehicleState,
} from './vehicle-states.js';
import type { FieldIssue } from './validation.js';

/** Most event types in one event, and most geographies. */
const MAX_EVENT_TYPES = 16;
const MAX_GEOGRAPHIES = 256;

/**
 * One MDS vehicle event: a change of a vehicle's state. `trip_ids` is needed where an event type concerns a trip.
 *
 * @see MDS 2.0.2, data types, Events
 */
export const VehicleEvent = Type.Object(
  {
    device_id: Uuid,
    provider_id: Uuid,
    data_provider_id: Type.Optional(Uuid),
    event_id: Uuid,
    vehicle_state: Type.Enum<VehicleState[]>([...vehicleStates]),
    event_types: Type.Array(Type.Enum<VehicleEventType[]>([...vehicleEventTypes]), {
      minItems: 1,
      maxItems: MAX_EVENT_TYPES,
    }),
    timestamp: Timestamp,
    publication_time: Type.Optional(Timestamp),
    location: Location,
    event_geographies: Type.Optional(Type.Array(Uuid, { maxItems: MAX_GEOGRAPHIES })),
    battery_percent: Type.Optional(Percent),
    fuel_percent: Type.Optional(Percent),
    trip_ids: Type.Optional(TripIds),
    stop_id: Type.Optional(Uuid),
    associated_ticket: Type.Optional(Text),
  },
  { additionalProperties: false },
);
export type VehicleEvent = Type.Static<typeof VehicleEvent>;

/** What the schema can't say: the last event type leads to the state, and trips are named where one is concerned. */
export function vehicleEventIssues(event: VehicleEvent): FieldIssue[] {
  const issues = locationIssues(event.location, 'location');
  const last = event.event_types.at(-1);
  if (last !== undefined && !isValidArrival(event.vehicle_state, last)) {
    issues.push({
      kind: 'invalid',
      field: 'event_types',
      rule: `${last} does not lead to vehicle_state ${event.vehicle_state}`,
    });
  }
  const concernsTrip = event.event_types.find((eventType) => tripEventTypes.has(eventType));
  if (concernsTrip !== undefined && !event.trip_ids?.length) {
    issues.push({ kind: 'missing', field: 'trip_ids', rule: `is required with ${concernsTrip}` });
  }
  return issues;
}
