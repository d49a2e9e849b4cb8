import Type from 'typebox';
import { defineEventFamily } from '../registry/event-family.js';
import { Location } from '../schema/location.js';
import { Currency, Money, Text, Timestamp, Uuid } from '../schema/primitives.js';
import type { FieldIssue } from '../schema/schema-issues.js';

const MAX_DURATION_SECONDS = 31 * 86_400;
const MAX_DISTANCE_METERS = 50_000_000;

/** MDS `trip_attributes` of passenger services. `trip_wait_time` and `trip_fare_time` are milliseconds. */
const TripAttributes = Type.Object(
  {
    hail_type: Type.Enum(['street_hail', 'phone_dispatch', 'phone', 'text', 'app']),
    app_name: Type.Optional(Text),
    passenger_count: Type.Integer({ minimum: 0, maximum: 1_000 }),
    requested_time: Timestamp,
    requested_trip_start_location: Type.Optional(Location),
    quoted_trip_start_time: Timestamp,
    dispatch_time: Type.Optional(Timestamp),
    trip_wait_time: Type.Optional(Type.Integer({ minimum: 0 })),
    trip_fare_time: Type.Optional(Type.Integer({ minimum: 0 })),
    pickup_address: Type.Optional(Text),
    dropoff_address: Type.Optional(Text),
    permit_license_number: Type.Optional(Text),
    driver_id: Type.Optional(Text),
    wheelchair_transported: Type.Optional(Type.Boolean()),
    cancellation_reason: Type.Optional(Text),
  },
  { additionalProperties: false },
);

/** MDS `fare_attributes` of passenger services: amounts in minor units of the trip's `currency`. */
const FareAttributes = Type.Object(
  {
    payment_type: Type.Enum([
      'account_number',
      'cash',
      'credit_card',
      'mobile_app',
      'no_payment',
      'paratransit',
      'phone',
      'voucher',
      'test',
    ]),
    fare_type: Type.Enum(['meter_fare', 'upfront_pricing', 'flat_rate']),
    meter_fare_amount: Type.Optional(Money),
    tolls: Type.Optional(Money),
    base_rate: Type.Optional(Money),
    exit_fee: Type.Optional(Money),
    other_fees: Type.Optional(Money),
    tip: Type.Optional(Money),
    extra_amount: Type.Optional(Money),
    taxes: Type.Optional(Money),
    surcharge: Type.Optional(Money),
    commission: Type.Optional(Money),
    driver_trip_pay: Type.Optional(Money),
    rate_code_id: Type.Optional(
      Type.Enum(['meter_fare', 'shared', 'out_of_town', 'disabled', 'upfront_pricing', 'promo_rate']),
    ),
  },
  { additionalProperties: false },
);

/**
 * One MDS trip, reported by the operator after its end. `duration` is in seconds, `distance` in metres.
 *
 * @see MDS 2.0.2, data types, Trips
 */
export const Trip = Type.Object(
  {
    provider_id: Uuid,
    data_provider_id: Type.Optional(Uuid),
    device_id: Uuid,
    journey_id: Type.Optional(Type.Union([Uuid, Type.Null()])),
    journey_attributes: Type.Optional(
      Type.Object({ shift_id: Type.Optional(Uuid) }, { additionalProperties: false }),
    ),
    trip_id: Uuid,
    trip_type: Type.Optional(Type.Enum(['private', 'shared', 'reservation', 'empty'])),
    trip_attributes: Type.Optional(TripAttributes),
    fare_attributes: Type.Optional(FareAttributes),
    start_time: Timestamp,
    end_time: Timestamp,
    start_location: Location,
    end_location: Location,
    duration: Type.Integer({ minimum: 0, maximum: MAX_DURATION_SECONDS }),
    distance: Type.Integer({ minimum: 0, maximum: MAX_DISTANCE_METERS }),
    publication_time: Type.Optional(Timestamp),
    accessibility_attributes: Type.Optional(
      Type.Array(Type.Enum(['wheelchair_accessible']), { maxItems: 16 }),
    ),
    parking_verification_url: Type.Optional(Type.Union([Type.String({ maxLength: 2_048 }), Type.Null()])),
    parking_category: Type.Optional(Type.Enum(['corral', 'curb', 'rack', 'other_valid', 'invalid'])),
    standard_cost: Type.Optional(Money),
    actual_cost: Type.Optional(Money),
    currency: Type.Optional(Currency),
  },
  { additionalProperties: false },
);
export type Trip = Type.Static<typeof Trip>;

/** A trip must not end before it starts. */
function tripIssues({
  start_time: start,
  end_time: end,
}: Pick<Trip, 'start_time' | 'end_time'>): FieldIssue[] {
  if (end >= start) return [];
  return [{ kind: 'invalid', field: 'end_time', rule: 'must not be before start_time' }];
}

/** The event time of a trip is its end: the operator reports a trip after it. */
export const tripFamily = defineEventFamily({
  name: 'trips',
  schemaName: 'Trip',
  path: '/trips',
  summary: 'Report completed trips',
  description: 'A completed trip, reported by the operator after its end: an MDS trip.',
  topic: { name: 'ride.trips', partitions: 12 },
  fields: { id: 'trip_id', key: 'trip_id', time: 'end_time' },
  table: 'trips',
  schema: Trip,
  locations: ['start_location', 'end_location', 'trip_attributes.requested_trip_start_location'],
  rules: { fields: ['start_time', 'end_time'], issues: tripIssues },
  example: {
    provider_id: '2411d395-04f2-47c9-ab66-d09e9e3c3251',
    device_id: '0197a1c0-8a3e-7c11-9a50-3f1d2b7c9e10',
    trip_id: '0197a1c4-1b2d-7f05-8e61-5a9c0d3e7b22',
    trip_type: 'private',
    start_time: 1_750_320_000_000,
    end_time: 1_750_320_420_000,
    start_location: { lat: 43.7347, lng: 7.4206 },
    end_location: { lat: 43.7392, lng: 7.4277 },
    duration: 420,
    distance: 1_650,
    trip_attributes: {
      hail_type: 'app',
      passenger_count: 2,
      requested_time: 1_750_319_700_000,
      quoted_trip_start_time: 1_750_319_970_000,
    },
    fare_attributes: { payment_type: 'credit_card', fare_type: 'upfront_pricing' },
    actual_cost: 1_450,
    currency: 'EUR',
  },
});
