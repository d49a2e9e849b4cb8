import type { Road } from '@hailstream/events/city-file';

const METERS_PER_SECOND_PER_KMH = 1 / 3.6;
const KMH_PER_MPH = 1.609_344;

/** Default speeds in a city by OpenStreetMap's road class, in km/h. */
const KMH_BY_CLASS: Readonly<Record<string, number>> = {
  motorway: 90,
  trunk: 70,
  primary: 50,
  secondary: 48,
  tertiary: 45,
  unclassified: 40,
  residential: 35,
  living_street: 15,
  service: 20,
};
const DEFAULT_KMH = 35;

/** Range of plausible speed limits. */
const MIN_KMH = 5;
const MAX_KMH = 130;

/** Returns the speed limit of a road in metres per second. */
export function speedLimit(road: Pick<Road['properties'], 'highway' | 'maxspeed'>): number {
  const kmh = signedKmh(road.maxspeed) ?? KMH_BY_CLASS[road.highway.replace(/_link$/, '')] ?? DEFAULT_KMH;
  return Math.min(MAX_KMH, Math.max(MIN_KMH, kmh)) * METERS_PER_SECOND_PER_KMH;
}

/** Parses `50`, `50 km/h` and `30 mph`; `undefined` for other values (`walk`, `FR:urban`). */
function signedKmh(maxspeed: string | undefined): number | undefined {
  const match = /^(\d{1,3})(?:\.\d+)?\s*(mph|km\/h|kmh)?$/.exec(maxspeed?.trim() ?? '');
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === 'mph' ? KMH_PER_MPH : 1);
}
