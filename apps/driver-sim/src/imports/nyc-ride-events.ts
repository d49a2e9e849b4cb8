import { parseNumber } from '../files/csv-line.js';
import { SkippedRow } from './imported-trip.js';
import { isPassengerCount, localPeriod, toPosition, type Layout, type ReadTrip } from './layout.js';
import { parseWallTime } from './local-time.js';
import { NEW_YORK, newYorkClock } from './new-york.js';

const COLUMN_NAMES =
  'rideId,START|END,eventTime,otherTime,startLon,startLat,endLon,endLat,passengers,taxiId,driverId';
const FIELD_COUNT = 11;

/**
 * Starts and ends of rides, one a row, without a header. The row of an end has all of the ride: its first time is the end and
 * its second one is the start. The second time of a start is not known yet.
 */
export const nycRideEvents: Layout = {
  name: 'nyc-ride-events',
  title: 'starts and ends of rides in New York',
  columns: COLUMN_NAMES,
  recognize(fields) {
    const isHeader = /^"?ride_?id"?$/i.test(fields[0]?.trim() ?? '');
    if (fields.length !== FIELD_COUNT || (!isHeader && kindOf(fields) === undefined)) return undefined;
    return { isHeader, fieldCount: FIELD_COUNT, hasCityPositionsOnly: false, read: readRideEvent };
  },
};

function kindOf(fields: readonly string[]): 'START' | 'END' | undefined {
  const kind = fields[1]?.trim().toUpperCase();
  return kind === 'START' || kind === 'END' ? kind : undefined;
}

function readRideEvent(fields: readonly string[]): ReadTrip | SkippedRow {
  const text = (index: number): string => fields[index]!.trim();
  const rideId = text(0);
  const kind = kindOf(fields);
  if (rideId === '' || kind === undefined) return new SkippedRow('no valid id', `${rideId},${text(1)}`);
  const startText = text(kind === 'START' ? 2 : 3);
  const period = periodOf(startText, kind === 'START' ? undefined : text(2));
  if (period instanceof SkippedRow) return period;
  const [start, end] = [4, 6].map((index) =>
    toPosition(parseNumber(text(index + 1)), parseNumber(text(index)), NEW_YORK),
  );
  if (start instanceof SkippedRow) return start;
  if (end instanceof SkippedRow) return end;
  const passengers = parseNumber(text(8));
  return {
    key: rideId,
    trip: {
      identity: `${rideId}|${startText}`,
      vehicle: text(9) || undefined,
      driver: text(10) || undefined,
      ...period,
      start: start!,
      end: end!,
      passengers: isPassengerCount(passengers) ? passengers : undefined,
      meters: undefined,
      payment: undefined,
      isStreetHail: true,
    },
  };
}

function periodOf(
  startText: string,
  endText: string | undefined,
): { startMs: number; endMs: number | undefined } | SkippedRow {
  const startWallMs = parseWallTime(startText);
  if (startWallMs === undefined) return new SkippedRow('no valid time', startText);
  if (endText !== undefined) return localPeriod(newYorkClock, { startText, endText });
  const [startMs] = newYorkClock.instantsOf(startWallMs);
  return startMs === undefined
    ? new SkippedRow('no such local time', startText)
    : { startMs, endMs: undefined };
}
