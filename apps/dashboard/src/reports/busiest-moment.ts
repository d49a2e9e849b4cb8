import type { MapRing, Report } from '@hailstream/events/reports';
import type { Viewport } from '@hailstream/events/live';

/** The middle of the interval with the most requests, or with the most positions if nothing was requested. */
export function busiestMoment({ intervals, period }: Pick<Report, 'intervals' | 'period'>): number {
  const weightOf = (name: 'requests' | 'positions') => intervals.map((interval) => interval[name] ?? 0);
  const weights = [weightOf('requests'), weightOf('positions')].find((each) => Math.max(...each) > 0) ?? [0];
  const busiest = weights.indexOf(Math.max(...weights));
  const from = Date.parse(intervals[busiest]!.start);
  const to = Date.parse(intervals[busiest + 1]?.start ?? period.to);
  return (from + to) / 2;
}

/** The extent of some rings. They are together is less than half of the world wide. */
export function extentOf(rings: readonly MapRing[]): Viewport {
  const first = rings[0]?.[0] ?? 0;
  const near = (lng: number): number => first + ((((lng - first + 540) % 360) + 360) % 360) - 180;
  const lngs = rings.flatMap((ring) => ring.filter((_, at) => at % 2 === 0).map(near));
  const lats = rings.flatMap((ring) => ring.filter((_, at) => at % 2 === 1));
  const within = (lng: number): number => ((((lng + 180) % 360) + 360) % 360) - 180;
  return {
    west: within(Math.min(...lngs)),
    south: Math.min(...lats),
    east: within(Math.max(...lngs)),
    north: Math.max(...lats),
  };
}
