import type { Location } from '@hailstream/events';
import type { Position } from '@hailstream/roads';
import { SkippedRow } from './imported-trip.js';
import { LocalClock } from './local-time.js';
import type { ZonePositions } from './zone-positions.js';

/** The middle of New York. */
export const NEW_YORK: Position = { lat: 40.7128, lng: -73.97 };

/** Distance from the middle to the furthest corner of the city. */
const CITY_RADIUS_METERS = 40_000;

/** New York's clocks, which the files of its taxis follow. */
export const newYorkClock = new LocalClock('America/New_York');

/** Taxi zones of New York are numbered from 1 to this; the next number is an unknown zone of the city. */
const LAST_ZONE = 263;
const UNKNOWN_ZONE = 264;

/** The position of a taxi zone. Without the zones' positions, it is only known to be in the city. */
export function zonePosition(
  zone: number | undefined,
  zones: ZonePositions | undefined,
): Location | SkippedRow {
  const isInCity = zone !== undefined && Number.isInteger(zone) && zone >= 1 && zone <= UNKNOWN_ZONE;
  if (!isInCity) return new SkippedRow('unknown zone', String(zone));
  const known = zones?.get(zone);
  if (known !== undefined) return known;
  if (zones !== undefined && zone <= LAST_ZONE) return new SkippedRow('unknown zone', `${zone} of the city`);
  return { ...NEW_YORK, horizontal_accuracy: CITY_RADIUS_METERS };
}
