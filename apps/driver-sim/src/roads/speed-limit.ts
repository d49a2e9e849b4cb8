import type { Road } from '@hailstream/events/city-file';

const METERS_PER_SECOND_PER_KMH = 1 / 3.6;
const KMH_PER_MPH = 1.609_344;

/** What is driven where no sign says otherwise, in km/h by OpenStreetMap's classes of roads in a city. */
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

/** Slowest and fastest that is believed of a sign. */
const MIN_KMH = 5;
const MAX_KMH = 130;

/** How fast one may drive on a road, in metres a second. */
export function speedLimit(road: Pick<Road['properties'], 'highway' | 'maxspeed'>): number {
  const kmh = signedKmh(road.maxspeed) ?? KMH_BY_CLASS[road.highway.replace(/_link$/, '')] ?? DEFAULT_KMH;
  return Math.min(MAX_KMH, Math.max(MIN_KMH, kmh)) * METERS_PER_SECOND_PER_KMH;
}

/** `50`, `50 km/h`, `30 mph`; other values (`walk`, `FR:urban`) leave it to the class of the road. */
function signedKmh(maxspeed: string | undefined): number | undefined {
  const match = /^(\d{1,3})(?:\.\d+)?\s*(mph|km\/h|kmh)?$/.exec(maxspeed?.trim() ?? '');
  if (match === null) return undefined;
  return Number(match[1]) * (match[2] === 'mph' ? KMH_PER_MPH : 1);
}
