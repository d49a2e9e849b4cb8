import type { Trip } from '@hailstream/events';
import { SkippedRow, type ImportedTrip } from './imported-trip.js';
import {
  Columns,
  isPassengerCount,
  localPeriod,
  METERS_PER_MILE,
  toCents,
  toPosition,
  type Layout,
  type ReadTrip,
} from './layout.js';
import { NEW_YORK, newYorkClock, zonePosition } from './new-york.js';
import type { ZonePositions } from './zone-positions.js';

type FareAttributes = NonNullable<Trip['fare_attributes']>;

/** The columns in the spellings of the Taxi and Limousine Commission over the years, of yellow and green cabs. */
const COLUMNS = {
  vendor: ['vendor_id', 'vendorid'],
  pickup: [
    'pickup_datetime',
    'tpep_pickup_datetime',
    'lpep_pickup_datetime',
    'trip_pickup_datetime',
    'pickup_date_time',
  ],
  dropoff: [
    'dropoff_datetime',
    'tpep_dropoff_datetime',
    'lpep_dropoff_datetime',
    'trip_dropoff_datetime',
    'dropoff_date_time',
  ],
  passengers: ['passenger_count'],
  miles: ['trip_distance'],
  rate: ['rate_code_id', 'ratecodeid', 'rate_code', 'ratecode'],
  pickupZone: ['pickup_location_id', 'pulocationid', 'pu_location_id'],
  dropoffZone: ['dropoff_location_id', 'dolocationid', 'do_location_id'],
  pickupLng: ['pickup_longitude', 'start_lon'],
  pickupLat: ['pickup_latitude', 'start_lat'],
  dropoffLng: ['dropoff_longitude', 'end_lon'],
  dropoffLat: ['dropoff_latitude', 'end_lat'],
  payment: ['payment_type'],
  fare: ['fare_amount', 'fare_amt'],
  extra: ['extra', 'surcharge'],
  tax: ['mta_tax'],
  tip: ['tip_amount', 'tip_amt'],
  tolls: ['tolls_amount', 'tolls_amt'],
  improvement: ['improvement_surcharge'],
  total: ['total_amount', 'total_amt'],
  congestion: ['congestion_surcharge'],
  airport: ['airport_fee'],
} as const;

const VOIDED = '6';

/** By the commission's code. Disputed (4) and unknown (5) payments are not among those of MDS. */
const PAYMENT_TYPES: Readonly<Record<string, FareAttributes['payment_type']>> = {
  1: 'credit_card',
  2: 'cash',
  3: 'no_payment',
};

/** By the commission's code: standard rate, JFK, Newark, Nassau or Westchester, negotiated, group ride. */
const RATES: Readonly<Record<string, Pick<FareAttributes, 'fare_type' | 'rate_code_id'>>> = {
  1: { fare_type: 'meter_fare', rate_code_id: 'meter_fare' },
  2: { fare_type: 'flat_rate' },
  3: { fare_type: 'meter_fare', rate_code_id: 'out_of_town' },
  4: { fare_type: 'meter_fare', rate_code_id: 'out_of_town' },
  5: { fare_type: 'upfront_pricing', rate_code_id: 'upfront_pricing' },
  6: { fare_type: 'meter_fare', rate_code_id: 'shared' },
};

/**
 * Trip records of New York's yellow and green cabs, one trip a row: local times, miles, dollars, and zones or coordinates.
 * There is no id of a vehicle, nor of a trip.
 */
export const nycTripRecords: Layout = {
  name: 'nyc-trip-records',
  title: 'trip records of yellow or green cabs in New York',
  columns: 'pickup_datetime,dropoff_datetime,pickup_location_id,dropoff_location_id,… (or coordinates)',
  recognize(fields, zones) {
    const columns = Columns.find(fields, COLUMNS, ['pickup', 'dropoff', 'miles', 'total']);
    if (columns === undefined) return undefined;
    const hasZones = columns.has('pickupZone') && columns.has('dropoffZone');
    if (!hasZones && !(columns.has('pickupLat') && columns.has('dropoffLat'))) return undefined;
    return {
      isHeader: true,
      fieldCount: fields.length,
      hasCityPositionsOnly: hasZones && zones === undefined,
      read: (row) => readRecord(row, columns, { hasZones, zones }),
    };
  },
};

function readRecord(
  fields: readonly string[],
  columns: Columns,
  { hasZones, zones }: { hasZones: boolean; zones: ZonePositions | undefined },
): ReadTrip | SkippedRow {
  const startText = columns.text(fields, 'pickup');
  const period = localPeriod(newYorkClock, { startText, endText: columns.text(fields, 'dropoff') });
  if (period instanceof SkippedRow) return period;
  const [start, end] = (['pickup', 'dropoff'] as const).map((name) =>
    hasZones
      ? zonePosition(columns.number(fields, `${name}Zone`), zones)
      : toPosition(columns.number(fields, `${name}Lat`), columns.number(fields, `${name}Lng`), NEW_YORK),
  );
  if (start instanceof SkippedRow) return start;
  if (end instanceof SkippedRow) return end;
  const payment = paymentOf(fields, columns);
  if (payment instanceof SkippedRow) return payment;
  const passengers = columns.number(fields, 'passengers');
  const miles = columns.number(fields, 'miles');
  const identity = columns.identity(fields);
  const trip: ImportedTrip = {
    identity,
    vehicle: undefined,
    driver: undefined,
    ...period,
    start: start!,
    end: end!,
    passengers: isPassengerCount(passengers) ? passengers : undefined,
    meters: miles === undefined || miles < 0 ? undefined : Math.round(miles * METERS_PER_MILE),
    payment,
    isStreetHail: true,
  };
  return { key: identity, trip };
}

/** Amounts that a fare cannot have are left out. A row with a negative sum reverses another row. */
function paymentOf(
  fields: readonly string[],
  columns: Columns,
): NonNullable<ImportedTrip['payment']> | SkippedRow {
  const cents = (name: string): number | undefined => toCents(columns.number(fields, name));
  const code = columns.text(fields, 'payment').replace(/\.0+$/, '');
  const isNegative = ['total', 'fare'].some((name) => (columns.number(fields, name) ?? 0) < 0);
  if (isNegative || code === VOIDED) return new SkippedRow('refund or void', columns.text(fields, 'total'));
  const total = cents('total');
  const type = PAYMENT_TYPES[code];
  const rate = RATES[columns.text(fields, 'rate').replace(/\.0+$/, '')];
  const surcharges = ['improvement', 'congestion', 'airport'].map(cents).filter((each) => each !== undefined);
  const amounts = {
    meter_fare_amount: cents('fare'),
    extra_amount: cents('extra'),
    taxes: cents('tax'),
    tip: cents('tip'),
    tolls: cents('tolls'),
    surcharge: surcharges.length === 0 ? undefined : surcharges.reduce((sum, each) => sum + each, 0),
  };
  const known = Object.fromEntries(Object.entries(amounts).filter(([, value]) => value !== undefined));
  return {
    ...(total !== undefined && { actual_cost: total, currency: 'USD' }),
    ...(type !== undefined &&
      rate !== undefined && { fare_attributes: { payment_type: type, ...rate, ...known } }),
  };
}
