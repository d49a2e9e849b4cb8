import type { Position } from './geo.js';

/** The WGS 84 ellipsoid: half of its larger axis in metres, and the square of its eccentricity. */
const SEMI_MAJOR_METERS = 6_378_137;
const ECCENTRICITY_SQUARED = 0.00669437999014;
const RADIANS_PER_DEGREE = Math.PI / 180;

/** Metres in a degree of latitude and of longitude, at a latitude on the WGS 84 ellipsoid. */
function metersPerDegree(lat: number): { readonly north: number; readonly east: number } {
  const sin = Math.sin(lat * RADIANS_PER_DEGREE);
  const root = Math.sqrt(1 - ECCENTRICITY_SQUARED * sin * sin);
  return {
    north: ((SEMI_MAJOR_METERS * (1 - ECCENTRICITY_SQUARED)) / root ** 3) * RADIANS_PER_DEGREE,
    east: (SEMI_MAJOR_METERS / root) * Math.cos(lat * RADIANS_PER_DEGREE) * RADIANS_PER_DEGREE,
  };
}

/** Distance on the WGS 84 ellipsoid. Accurate to a millimetre up to a kilometre, and to 0.01 % up to 100 km. */
export function ellipsoidMeters(from: Position, to: Position): number {
  const { north, east } = metersPerDegree((from.lat + to.lat) / 2);
  return Math.hypot((to.lat - from.lat) * north, wrapDegrees(to.lng - from.lng) * east);
}

/** A plane that touches the ellipsoid at an origin. Distances in a city of 50 km are accurate to half a percent. */
export class Plane {
  private readonly north: number;
  private readonly east: number;

  constructor(private readonly origin: Position) {
    ({ north: this.north, east: this.east } = metersPerDegree(origin.lat));
  }

  /** Metres east of the origin. */
  x(lng: number): number {
    return wrapDegrees(lng - this.origin.lng) * this.east;
  }

  /** Metres north of the origin. */
  y(lat: number): number {
    return (lat - this.origin.lat) * this.north;
  }

  position(x: number, y: number): Position {
    return {
      lat: this.origin.lat + y / this.north,
      lng: wrapDegrees(this.origin.lng + x / this.east),
    };
  }
}

function wrapDegrees(degrees: number): number {
  if (degrees > 180) return degrees - 360;
  return degrees < -180 ? degrees + 360 : degrees;
}
