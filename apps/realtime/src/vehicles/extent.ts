import type { Viewport } from '@hailstream/events/live';

/** Width of a column, in degrees. */
const COLUMN_DEGREES = 1;
const COLUMNS = 360 / COLUMN_DEGREES;

/**
 * The smallest area that contains places. It may span the antimeridian: `west` is greater than `east` then. The widest gap
 * between two places is outside of it, if the gap is at least {@link COLUMN_DEGREES} wide.
 */
export class Extent {
  count = 0;
  private south = 90;
  private north = -90;
  private readonly west = new Float64Array(COLUMNS).fill(Number.POSITIVE_INFINITY);
  private readonly east = new Float64Array(COLUMNS).fill(Number.NEGATIVE_INFINITY);

  add(lat: number, lng: number): void {
    this.count += 1;
    this.south = Math.min(this.south, lat);
    this.north = Math.max(this.north, lat);
    const column = Math.min(COLUMNS - 1, Math.floor((lng + 180) / COLUMN_DEGREES));
    this.west[column] = Math.min(this.west[column]!, lng);
    this.east[column] = Math.max(this.east[column]!, lng);
  }

  get bbox(): Viewport | null {
    const used = Array.from(this.west.keys()).filter((column) => this.west[column]! <= this.east[column]!);
    const [first] = used;
    if (first === undefined) return null;
    // The gap across the antimeridian, then those between columns that follow each other.
    let from = first;
    let to = used.at(-1)!;
    let widest = 360 - (this.east[to]! - this.west[first]!);
    used.slice(1).forEach((column, index) => {
      const gap = this.west[column]! - this.east[used[index]!]!;
      if (gap > widest) [widest, from, to] = [gap, column, used[index]!];
    });
    return { west: this.west[from]!, south: this.south, east: this.east[to]!, north: this.north };
  }
}
