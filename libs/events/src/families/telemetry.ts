import Type from 'typebox';
import { defineEventFamily } from '../registry/event-family.js';
import { Location } from '../schema/location.js';
import { Percent, Timestamp, TripIds, Uuid } from '../schema/primitives.js';

/**
 * One MDS telemetry point. `trip_ids` and `journey_id` may be left out, which means `null`: not on a trip.
 *
 * @see MDS 2.0.2, data types, Telemetry
 */
export const Telemetry = Type.Object(
  {
    device_id: Uuid,
    provider_id: Uuid,
    data_provider_id: Type.Optional(Uuid),
    telemetry_id: Uuid,
    timestamp: Timestamp,
    trip_ids: Type.Optional(TripIds),
    journey_id: Type.Optional(Type.Union([Uuid, Type.Null()])),
    stop_id: Type.Optional(Uuid),
    location: Location,
    location_type: Type.Optional(
      Type.Union([
        Type.Literal('street'),
        Type.Literal('sidewalk'),
        Type.Literal('crosswalk'),
        Type.Literal('garage'),
        Type.Literal('bike_lane'),
      ]),
    ),
    battery_percent: Type.Optional(Percent),
    fuel_percent: Type.Optional(Percent),
    tipped_over: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
export type Telemetry = Type.Static<typeof Telemetry>;

export const telemetryFamily = defineEventFamily({
  name: 'telemetry',
  schemaName: 'Telemetry',
  path: '/telemetry',
  summary: 'Report vehicle positions',
  description: "A vehicle's position at a point in time: an MDS telemetry point.",
  topic: { name: 'ride.telemetry', partitions: 12 },
  fields: { id: 'telemetry_id', key: 'device_id', time: 'timestamp' },
  table: 'telemetry',
  schema: Telemetry,
  locations: ['location'],
  example: {
    device_id: '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10',
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    telemetry_id: '0197a1c5-3c4e-7a16-8f72-6bad1e4f8c33',
    timestamp: 1_750_320_060_000,
    trip_ids: ['0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22'],
    journey_id: null,
    location: { lat: 43.7347, lng: 7.4206, heading: 47, speed: 8.3, horizontal_accuracy: 5 },
  },
});
