import type { Viewport } from '@hailstream/events/live';

/** Distances between lines, in degrees: the smallest one of which at most {@link MAX_LINES} are visible is used. */
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30];
const MAX_LINES = 9;

type LngLat = readonly [lng: number, lat: number];

/** Lines of latitude and longitude, and their labels. */
export interface Graticule {
  readonly lines: readonly (readonly [LngLat, LngLat])[];
  readonly labels: readonly { readonly text: string; readonly position: LngLat }[];
}

/** The lines of an area in MapLibre's form: `west` is not greater than `east`. Labels are where two lines cross. */
export function graticuleOf({ west, south, east, north }: Viewport): Graticule {
  const extent = Math.max(east - west, north - south);
  const step = STEPS.find((degrees) => extent / degrees <= MAX_LINES) ?? STEPS.at(-1)!;
  const decimals = Math.max(0, -Math.floor(Math.log10(step)));
  const lngs = multiples(step, west, east);
  const lats = multiples(step, Math.max(-85, south), Math.min(85, north));
  const meridians = lngs.map(
    (lng) =>
      [
        [lng, south],
        [lng, north],
      ] as const,
  );
  const parallels = lats.map(
    (lat) =>
      [
        [west, lat],
        [east, lat],
      ] as const,
  );
  // Each line has one label, near the center of the map, because panels cover its edges.
  const [midLng, midLat] = [middleOf(lngs), middleOf(lats)];
  return {
    lines: [...meridians, ...parallels],
    labels: [
      ...lats.map((lat) => ({
        // Where the two lines in the middle cross, the label is of both.
        text:
          lat === midLat
            ? `${latText(lat, decimals)} ${lngText(midLng ?? 0, decimals)}`
            : latText(lat, decimals),
        position: [midLng ?? west, lat] as const,
      })),
      ...lngs
        .filter((lng) => lng !== midLng)
        .map((lng) => ({ text: lngText(lng, decimals), position: [lng, midLat ?? south] as const })),
    ],
  };
}

/** Whether two areas in MapLibre's form have a part in common, in any copy of the world. */
export function overlap(one: Viewport, other: Viewport): boolean {
  if (one.south > other.north || one.north < other.south) return false;
  return [-360, 0, 360].some((turn) => one.west <= other.east + turn && one.east >= other.west + turn);
}

function multiples(step: number, from: number, to: number): number[] {
  const first = Math.ceil(from / step);
  const count = Math.max(0, Math.floor(to / step) - first + 1);
  // Rounded: the sum of steps would be 0.30000000000000004.
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toFixed(6)));
}

function middleOf(values: readonly number[]): number | undefined {
  return values[Math.floor(values.length / 2)];
}

function latText(lat: number, decimals: number): string {
  return `${Math.abs(lat).toFixed(decimals)}°${lat < 0 ? 'S' : 'N'}`;
}

function lngText(lng: number, decimals: number): string {
  const wrapped = ((((lng + 180) % 360) + 360) % 360) - 180;
  return `${Math.abs(wrapped).toFixed(decimals)}°${wrapped < 0 ? 'W' : 'E'}`;
}
