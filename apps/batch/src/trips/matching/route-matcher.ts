import { metersBetween } from '@hailstream/events';
import type { CityFile } from '@hailstream/events/city-file';
import {
  buildRoadNetwork,
  MapMatcher,
  positionOnEdge,
  type MatchedTrace,
  type RoadNetwork,
  type TracePoint,
} from '@hailstream/roads';
import type { Fix } from '../path/fix.js';
import { withoutOutliers } from '../path/outliers.js';

/** Routes with more fixes are not matched: five hours at one per second. */
const MAX_FIXES = 20_000;
/** A fix that is further from its place on the roads was not on them. The matcher moves places by up to 20 m. */
const OFF_ROAD_METERS = 40;
/** Positions are up to this far outside of the box of a city whose roads end at it: about 100 m. */
const BOX_MARGIN_DEGREES = 0.001;
/** The course that a receiver reports at a lower speed is noise, in metres per second. */
const COURSE_FROM = 1;
/** After this time without a fix, a vehicle that is this far away may have taken another way than the shortest. */
const UNKNOWN_AFTER_MS = 120_000;
const UNKNOWN_FROM_METERS = 100;
/** A route is matched if at least this share of it is on the roads. */
const MIN_SHARE = 0.95;
/** The way on the roads and the way along the positions differ by at most this share and these metres, */
const TOLERANCE = 0.1;
const TOLERANCE_METERS = 30;
/** and the way on the roads may be longer by this share for each second between fixes, because straight lines cut corners. */
const LONGER_PER_SECOND = 0.05;
const MAX_LONGER = 1;

/** Speeds that make a route longer than the straight lines by this factor and these metres are in another unit, or wrong. */
const SPEED_FACTOR = 1.5;
const SPEED_METERS = 200;
/** A vehicle may have stopped between fixes that are further apart in time. */
const SPEEDS_WITHIN_MS = 30_000;

/** How the route of a trip follows the roads. */
export interface MatchedRoute {
  /** Length of the way on the roads on the WGS 84 ellipsoid; `null` if the route does not follow them well enough. */
  readonly meters: number | null;
  /** Share of the straight lines between the fixes whose ends are on the roads, from 0 to 1. */
  readonly share: number;
}

/** Matches the routes of vehicles to the roads of some cities. Not safe for concurrent use. */
export class RouteMatcher {
  private readonly cities: readonly CityRoads[];

  constructor(cities: readonly CityFile[]) {
    this.cities = cities.map((city) => new CityRoads(city));
  }

  /**
   * Matches the fixes of a vehicle, in order of time. `measuredMeters` is the length of the way along them, with which the way on
   * the roads has to agree.
   *
   * @returns `null` if the route does not start and end in one of the cities, or has too many fixes
   */
  match(fixes: readonly Fix[], measuredMeters: number): MatchedRoute | null {
    const route = withoutOutliers(fixes);
    if (route.length < 2 || route.length > MAX_FIXES) return null;
    const matches = this.cities
      .filter((city) => city.contains(route[0]!) && city.contains(route.at(-1)!))
      .map((city) => city.match(route, measuredMeters));
    return matches.toSorted((a, b) => b.share - a.share)[0] ?? null;
  }
}

/** The roads of a city. The network is built when a route is matched for the first time. */
class CityRoads {
  private roads: { readonly network: RoadNetwork; readonly matcher: MapMatcher } | undefined;

  constructor(private readonly city: CityFile) {}

  contains({ lat, lng }: Fix): boolean {
    const [west, south, east, north] = this.city.bbox;
    const [left, right] = [west - BOX_MARGIN_DEGREES, east + BOX_MARGIN_DEGREES];
    const isBetween = west <= east ? lng >= left && lng <= right : lng >= left || lng <= right;
    return isBetween && lat >= south - BOX_MARGIN_DEGREES && lat <= north + BOX_MARGIN_DEGREES;
  }

  match(route: readonly Fix[], measuredMeters: number): MatchedRoute {
    const { network, matcher } = (this.roads ??= this.build());
    const hasSpeeds = arePlausibleSpeeds(route);
    const trace = matcher.match(route.map((fix) => tracePointOf(fix, hasSpeeds)));
    const isOnRoad = route.map((fix, index) => {
      const place = trace.places[index];
      if (place === undefined) return false;
      return metersBetween(fix, positionOnEdge(network, place.edge, place.meters)) <= OFF_ROAD_METERS;
    });
    const share = matchedShare(route, isOnRoad, trace);
    const isWhole = trace.ways.length === 1 && isOnRoad[0] === true && isOnRoad.at(-1) === true;
    const isMatched = isWhole && share >= MIN_SHARE && isPlausible(trace.meters, { route, measuredMeters });
    return { meters: isMatched ? trace.meters : null, share };
  }

  private build(): { readonly network: RoadNetwork; readonly matcher: MapMatcher } {
    const network = buildRoadNetwork(this.city.features);
    return { network, matcher: new MapMatcher(network) };
  }
}

function tracePointOf({ at, lat, lng, speed, heading }: Fix, hasSpeeds: boolean): TracePoint {
  const hasCourse = heading !== null && speed !== null && speed >= COURSE_FROM;
  return {
    lat,
    lng,
    timestamp: at,
    ...(hasCourse && { heading }),
    ...(hasSpeeds && speed !== null && { speed }),
  };
}

/** Whether the vehicle may have driven with the speeds that were reported. */
function arePlausibleSpeeds(route: readonly Fix[]): boolean {
  let [straightMeters, speedMeters] = [0, 0];
  for (let index = 1; index < route.length; index += 1) {
    const [from, to] = [route[index - 1]!, route[index]!];
    if (from.speed === null || to.speed === null || to.at - from.at > SPEEDS_WITHIN_MS) continue;
    straightMeters += metersBetween(from, to);
    speedMeters += (((from.speed + to.speed) / 2) * (to.at - from.at)) / 1_000;
  }
  return speedMeters <= SPEED_FACTOR * straightMeters + SPEED_METERS;
}

function matchedShare(route: readonly Fix[], isOnRoad: readonly boolean[], { breaks }: MatchedTrace): number {
  const starts = new Set(breaks.map(({ point }) => point));
  let [total, matched] = [0, 0];
  for (let index = 1; index < route.length; index += 1) {
    const [from, to] = [route[index - 1]!, route[index]!];
    const meters = metersBetween(from, to);
    total += meters;
    const isUnknown = to.at - from.at > UNKNOWN_AFTER_MS && meters > UNKNOWN_FROM_METERS;
    if (isOnRoad[index - 1]! && isOnRoad[index]! && !isUnknown && !starts.has(index)) matched += meters;
  }
  return total === 0 ? Number(isOnRoad[0]) : matched / total;
}

/** Whether the way on the roads may be the one that was driven along the positions. */
function isPlausible(
  meters: number,
  { route, measuredMeters }: { readonly route: readonly Fix[]; readonly measuredMeters: number },
): boolean {
  const secondsPerFix = (route.at(-1)!.at - route[0]!.at) / 1_000 / (route.length - 1);
  const longer = Math.min(MAX_LONGER, TOLERANCE + LONGER_PER_SECOND * secondsPerFix);
  return (
    meters >= (1 - TOLERANCE) * measuredMeters - TOLERANCE_METERS &&
    meters <= (1 + longer) * measuredMeters + TOLERANCE_METERS
  );
}
