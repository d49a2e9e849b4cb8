import type { Random } from '@hailstream/service/testing';

const METERS_PER_DEGREE = 111_195;

/** A vehicle that drives, waits at lights and parks. Positions are those of a GPS receiver. */
export class SimulatedVehicle {
  private lat: number;
  private lng: number;
  private heading: number;
  private speed = 0;
  private targetSpeed: number;
  private waitsUntil = 0;
  readonly isParked: boolean;
  /** Whether the receiver filters noise while the vehicle stands. */
  private readonly filters: boolean;
  private filtered: { lat: number; lng: number } | null = null;

  constructor(
    private readonly random: Random,
    center: { readonly lat: number; readonly lng: number },
  ) {
    this.lat = center.lat + (random.fraction() - 0.5) * 0.06;
    this.lng = center.lng + (random.fraction() - 0.5) * 0.06;
    this.heading = random.fraction() * 360;
    this.targetSpeed = 5 + random.fraction() * 11;
    this.isParked = random.chance(0.1);
    this.filters = random.chance(0.6);
  }

  /** Moves on to a time, in milliseconds, by an interval. */
  drive(time: number, intervalMs: number): void {
    const { random } = this;
    if (!this.isParked && time >= this.waitsUntil && random.chance(intervalMs / 90_000)) {
      this.waitsUntil = time + 8_000 + random.below(35_000);
      this.targetSpeed = 5 + random.fraction() * 11;
    }
    const wanted = this.isParked || time < this.waitsUntil ? 0 : this.targetSpeed;
    const change = Math.max(-3, Math.min(2, wanted - this.speed)) * Math.min(1, intervalMs / 2_000);
    const before = this.speed;
    this.speed = Math.max(0, this.speed + change);
    if (random.chance(intervalMs / 40_000)) this.heading += random.pick([-90, 90]);
    const meters = ((before + this.speed) / 2) * (intervalMs / 1_000);
    const radians = (this.heading * Math.PI) / 180;
    this.lat += (meters * Math.cos(radians)) / METERS_PER_DEGREE;
    this.lng += (meters * Math.sin(radians)) / (METERS_PER_DEGREE * Math.cos((this.lat * Math.PI) / 180));
  }

  /** What the receiver reports. */
  fix(): { lat: number; lng: number; speed: number; heading: number } {
    const speed = Math.max(0, this.speed * (1 + 0.05 * gaussian(this.random)) + 0.1 * gaussian(this.random));
    const heading = ((this.heading % 360) + 360) % 360;
    if (this.speed < 0.3 && this.filters) {
      this.filtered ??= this.noisy();
      return { ...this.filtered, speed: 0, heading };
    }
    this.filtered = null;
    return { ...this.noisy(), speed: Math.round(speed * 10) / 10, heading };
  }

  private noisy(): { lat: number; lng: number } {
    const noise = 2.5 / METERS_PER_DEGREE;
    return {
      lat: rounded(this.lat + noise * gaussian(this.random)),
      lng: rounded(this.lng + noise * gaussian(this.random)),
    };
  }
}

export function gaussian(random: Random): number {
  const angle = 2 * Math.PI * random.fraction();
  return Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(angle);
}

/** Six decimals, a tenth of a metre. */
function rounded(degrees: number): number {
  return Math.round(degrees * 1e6) / 1e6;
}
