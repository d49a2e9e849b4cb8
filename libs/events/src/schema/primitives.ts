import Type from 'typebox';
import { UUID_PATTERN } from '@hailstream/service/uuid';

/** Earliest timestamp MDS accepts: 2018-01-01T00:00:00Z, in milliseconds. */
export const EARLIEST_TIMESTAMP_MS = 1_514_764_800_000;

/** Latest timestamp that still has a four-digit year: 9999-12-31T23:59:59.999Z. */
export const LATEST_TIMESTAMP_MS = 253_402_300_799_999;

/** Maximum number of ids in `trip_ids`: more than a vehicle of this mode has passengers. */
const MAX_TRIPS_AT_ONCE = 64;

/** A UUID in lower case, as MDS writes it. A `format` in addition would be a second check of the same. */
export const Uuid = Type.String({ pattern: UUID_PATTERN });

/** Integer milliseconds since the Unix epoch. */
export const Timestamp = Type.Integer({ minimum: EARLIEST_TIMESTAMP_MS, maximum: LATEST_TIMESTAMP_MS });

/** MDS text: at most 255 characters. */
export const Text = Type.String({ maxLength: 255 });

/** Money in integer minor units of the event's currency. */
export const Money = Type.Union([
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  Type.Null(),
]);

/** ISO 4217 alphabetic currency code. */
export const Currency = Type.Union([Type.String({ pattern: '^[A-Z]{3}$' }), Type.Null()]);

/** Whole percent. */
export const Percent = Type.Integer({ minimum: 0, maximum: 100 });

/** Ids of the trips in progress; `null` without a trip. */
export const TripIds = Type.Union([Type.Array(Uuid, { maxItems: MAX_TRIPS_AT_ONCE }), Type.Null()]);
