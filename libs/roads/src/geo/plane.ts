import { acrossDegrees, metersPerDegree } from '@hailstream/events';
import type { Position } from './geo.js';

/** A plane that touches the WGS 84 ellipsoid at an origin. Distances in a city of 50 km are accurate to half a percent. */
export class Plane {
  private readonly north: number;
  private readonly east: number;

  constructor(private readonly origin: Position) {
    ({ north: this.north, east: this.east } = metersPerDegree(origin.lat));
  }

  /** Metres east of the origin. */
  x(lng: number): number {
    return acrossDegrees(this.origin.lng, lng) * this.east;
  }

  /** Metres north of the origin. */
  y(lat: number): number {
    return (lat - this.origin.lat) * this.north;
  }

  position(x: number, y: number): Position {
    return {
      lat: this.origin.lat + y / this.north,
      lng: acrossDegrees(0, this.origin.lng + x / this.east),
    };
  }
}
