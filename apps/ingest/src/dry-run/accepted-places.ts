import { cellOf, type Cell, type Place } from '@hailstream/events/plausibility';

/** Maximum number of cells of one degree that are counted. */
const MAX_CELLS = 4_096;

/** Vehicles are expected in a cell with at least this many positions, and this share of all. */
const LEAST_COUNT = 20;
const LEAST_SHARE = 0.02;

/** When the counts reach this number, all are halved: older positions count less. */
const MAX_COUNT = 1_000_000;

/** Where this process has accepted positions, by cells of one degree. */
export class AcceptedPlaces {
  private counts = new Map<Cell, number>();
  private total = 0;

  /** Counts the position of an event, if it has one. */
  note(event: object): void {
    const place = placeOf(event);
    if (place === undefined) return;
    const cell = cellOf(place);
    const count = this.counts.get(cell);
    if (count === undefined && this.counts.size >= MAX_CELLS) return;
    this.counts.set(cell, (count ?? 0) + 1);
    this.total += 1;
    if (this.total >= MAX_COUNT) this.halve();
  }

  /** Whether vehicles are expected in a cell. */
  has(cell: Cell): boolean {
    const count = this.counts.get(cell) ?? 0;
    return count >= LEAST_COUNT && count >= LEAST_SHARE * this.total;
  }

  /** Whether there is a cell in which vehicles are expected. */
  get isKnown(): boolean {
    return this.total >= LEAST_COUNT;
  }

  private halve(): void {
    const halves = Array.from(this.counts, ([cell, count]) => [cell, Math.floor(count / 2)] as const);
    this.counts = new Map(halves.filter(([, count]) => count > 0));
    this.total = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** The first location of an event: of a point, a change of state or a rider, or where a trip started. */
export function placeOf(event: object): Place | undefined {
  const { location, start_location: start } = event as {
    readonly location?: Place;
    readonly start_location?: Place;
  };
  return location ?? start;
}
