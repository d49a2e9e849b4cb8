import Type from 'typebox';
import { defineEventFamily } from '../registry/event-family.js';
import { Location } from '../schema/location.js';
import { Percent, Text, Timestamp, TripIds, Uuid } from '../schema/primitives.js';
import {
  isValidArrival,
  tripEventTypes,
  vehicleEventTypes,
  vehicleStates,
  type VehicleEventType,
  type VehicleState,
} from './vehicle-states.js';
import type { FieldIssue } from '../schema/schema-issues.js';

/** Maximum number of event types and of geographies in one event. */
const MAX_EVENT_TYPES = 16;
const MAX_GEOGRAPHIES = 256;

/**
 * One MDS vehicle event: a change of a vehicle's state. `trip_ids` is required if an event type concerns a trip.
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

/** The last event type must lead to the state, and event types of a trip require `trip_ids`. */
function vehicleEventIssues(
  event: Pick<VehicleEvent, 'vehicle_state' | 'event_types' | 'trip_ids'>,
): FieldIssue[] {
  const issues: FieldIssue[] = [];
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

export const vehicleEventFamily = defineEventFamily({
  name: 'vehicle-events',
  schemaName: 'VehicleEvent',
  path: '/events',
  summary: 'Report vehicle state changes',
  description: "A change of a vehicle's state: an MDS vehicle event.",
  topic: { name: 'ride.vehicle-events', partitions: 12 },
  fields: { id: 'event_id', key: 'device_id', time: 'timestamp' },
  table: 'vehicle_events',
  schema: VehicleEvent,
  locations: ['location'],
  rules: { fields: ['vehicle_state', 'event_types', 'trip_ids'], issues: vehicleEventIssues },
  example: {
    device_id: '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10',
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    event_id: '0197a1c6-4d5f-7b27-9083-7cbe2f509d44',
    vehicle_state: 'on_trip',
    event_types: ['trip_start'],
    timestamp: 1_750_320_000_000,
    location: { lat: 43.7347, lng: 7.4206 },
    trip_ids: ['0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22'],
  },
});
