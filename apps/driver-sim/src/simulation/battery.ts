const RANGE_METERS = 320_000;

/** A parked car is charged in this time. */
const CHARGE_MS = 4 * 3_600_000;

/** Cars are driven to a charger before this share is left. */
const LEAST = 0.03;

/** The levels at which cars start. */
const START = { least: 0.08, most: 0.98 };

/** The battery of a car: two of three cars have one. Which ones, and their first levels, depend on the device id alone. */
export class Battery {
  private readonly isElectric: boolean;
  private level: number;

  constructor(deviceId: string) {
    const number = Number.parseInt(deviceId.slice(-6), 16);
    this.isElectric = number % 3 !== 0;
    this.level = START.least + ((number % 1_009) / 1_009) * (START.most - START.least);
  }

  drive(meters: number): void {
    this.level = Math.max(Math.min(LEAST, this.level), this.level - meters / RANGE_METERS);
  }

  charge(elapsedMs: number): void {
    this.level = Math.min(1, this.level + elapsedMs / CHARGE_MS);
  }

  /** In whole percent; `undefined` without a battery. */
  get percent(): number | undefined {
    return this.isElectric ? Math.round(this.level * 100) : undefined;
  }
}
