import Type from 'typebox';
import { Location, Percent, Timestamp, TripIds, Uuid } from './primitives.js';

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
