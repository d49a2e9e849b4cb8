import type { Trip } from '@hailstream/events';
import type { Position } from '@hailstream/roads';
import { MAX_TRIP_MS, SkippedRow, type ImportedTrip } from './imported-trip.js';
import { Columns, METERS_PER_MILE, toCents, toPosition, type Layout, type ReadTrip } from './layout.js';
import { LocalClock, parseWallTime } from './local-time.js';

const CHICAGO: Position = { lat: 41.8781, lng: -87.6298 };
const chicagoClock = new LocalClock('America/Chicago');

const COLUMNS = {
  id: ['unique_key', 'trip_id'],
  taxi: ['taxi_id'],
  start: ['trip_start_timestamp'],
  seconds: ['trip_seconds'],
  miles: ['trip_miles'],
  pickupLat: ['pickup_latitude', 'pickup_centroid_latitude'],
  pickupLng: ['pickup_longitude', 'pickup_centroid_longitude'],
  dropoffLat: ['dropoff_latitude', 'dropoff_centroid_latitude'],
  dropoffLng: ['dropoff_longitude', 'dropoff_centroid_longitude'],
  fare: ['fare'],
  tips: ['tips'],
  tolls: ['tolls'],
  extras: ['extras'],
  payment: ['payment_type'],
  company: ['company'],
  pickupArea: ['pickup_community_area'],
  dropoffArea: ['dropoff_community_area'],
  pickupTract: ['pickup_census_tract'],
  dropoffTract: ['dropoff_census_tract'],
} as const;

/** By the city's name of it, in lower case. Unknown payments are not among those of MDS. */
const PAYMENT_TYPES: Readonly<Record<string, NonNullable<Trip['fare_attributes']>['payment_type']>> = {
  cash: 'cash',
  'credit card': 'credit_card',
  mobile: 'mobile_app',
  'no charge': 'no_payment',
};

/**
 * Taxi trips of Chicago, one a row. Starts are rounded to a quarter of an hour, and are local times even where they are
 * written as seconds. Positions are the middle of a census tract or a community area.
 */
export const chicagoTrips: Layout = {
  name: 'chicago-trips',
  title: 'taxi trips in Chicago',
  columns: 'trip_start_timestamp,trip_seconds,trip_miles,pickup_latitude,pickup_longitude,dropoff_latitude,…',
  recognize(fields) {
    const columns = Columns.find(fields, COLUMNS, [
      'start',
      'seconds',
      'pickupLat',
      'pickupLng',
      'dropoffLat',
      'dropoffLng',
    ]);
    if (columns === undefined) return undefined;
    return {
      isHeader: true,
      fieldCount: fields.length,
      hasCityPositionsOnly: false,
      read: (row) => readTrip(row, columns),
    };
  },
};

function readTrip(fields: readonly string[], columns: Columns): ReadTrip | SkippedRow {
  const startMs = startOf(columns.text(fields, 'start'));
  if (startMs instanceof SkippedRow) return startMs;
  const seconds = columns.number(fields, 'seconds');
  if (seconds === undefined || seconds < 0) return new SkippedRow('no duration');
  if (seconds * 1_000 > MAX_TRIP_MS) return new SkippedRow('longer than 31 days', `${seconds} s`);
  const [start, end] = (['pickup', 'dropoff'] as const).map((name) =>
    toPosition(columns.number(fields, `${name}Lat`), columns.number(fields, `${name}Lng`), CHICAGO),
  );
  if (start instanceof SkippedRow) return start;
  if (end instanceof SkippedRow) return end;
  if ((columns.number(fields, 'fare') ?? 0) < 0) return new SkippedRow('refund or void');
  const miles = columns.number(fields, 'miles');
  const identity = columns.text(fields, 'id') || columns.identity(fields);
  const trip: ImportedTrip = {
    identity,
    vehicle: columns.text(fields, 'taxi') || undefined,
    driver: undefined,
    startMs,
    endMs: startMs + Math.round(seconds * 1_000),
    start: start!,
    end: end!,
    passengers: undefined,
    meters: miles === undefined || miles < 0 ? undefined : Math.round(miles * METERS_PER_MILE),
    payment: paymentOf(fields, columns),
    isStreetHail: false,
  };
  return { key: identity, trip };
}

function startOf(text: string): number | SkippedRow {
  const wallMs = /^\d{9,10}$/.test(text) ? Number(text) * 1_000 : parseWallTime(text);
  if (wallMs === undefined) return new SkippedRow('no valid time', text);
  const [startMs] = chicagoClock.instantsOf(wallMs);
  return startMs ?? new SkippedRow('no such local time', text);
}

function paymentOf(fields: readonly string[], columns: Columns): ImportedTrip['payment'] {
  const cents = (name: string): number | undefined => toCents(columns.number(fields, name));
  const [fare, tip, tolls, extras] = [cents('fare'), cents('tips'), cents('tolls'), cents('extras')];
  if (fare === undefined) return undefined;
  const type = PAYMENT_TYPES[columns.text(fields, 'payment').toLowerCase()];
  return {
    actual_cost: fare + (tip ?? 0) + (tolls ?? 0) + (extras ?? 0),
    currency: 'USD',
    ...(type !== undefined && {
      fare_attributes: {
        payment_type: type,
        fare_type: 'meter_fare',
        meter_fare_amount: fare,
        ...(tip !== undefined && { tip }),
        ...(tolls !== undefined && { tolls }),
        ...(extras !== undefined && { extra_amount: extras }),
      },
    }),
  };
}
