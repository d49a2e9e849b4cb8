import type { FamilyName } from '@hailstream/events';
import type { Cell } from '@hailstream/events/plausibility';
import { BUCKETS, RATIO_BUCKETS } from './histogram.js';
import { NONE, type Observation } from './observation.js';

/** What is counted in a slot of time: at most 31 names, so that an observation has a bit for each. */
const names = [
  'telemetry',
  'vehicle-events',
  'rider-events',
  'trips',
  /** Events of vehicles that were not received before, with an earlier event of the vehicle to compare with. */
  'compared',
  'outOfOrder',
  'paced',
  'unpaced',
  'duplicates',
  'reusedIds',
  'repeats',
  'ahead',
  'localTime',
  'positions',
  'zeroPositions',
  'moving',
  'stuck',
  'onTrip',
  'stuckOnTrip',
  'fares',
  'faresInUnits',
  'faresTooHigh',
  'ratios',
  'ratiosInMetres',
  'ratiosInMiles',
  'ratiosInKilometres',
] as const;
export type CountName = (typeof names)[number];

/** Where each count is, and its bit in an observation. Counting is by index, because texts are slower. */
export const countIndex = Object.fromEntries(names.map((name, index) => [name, index])) as Readonly<
  Record<CountName, number>
>;

const LATENESS = names.length;
const PUBLICATION = LATENESS + BUCKETS;
const RATIOS = PUBLICATION + BUCKETS;
const SIZE = RATIOS + RATIO_BUCKETS;

/** Maximum number of cells of one degree that are counted in a slot; positions in others are not judged by their place. */
const MAX_CELLS = 64;

/** Counts of one provider in one slot of time. Adding slots is commutative. */
export class Slot {
  private readonly counts = new Uint32Array(SIZE);
  /** The cells with their counts, in the order of their first position: most feeds have one or two. */
  private readonly cellNumbers: Cell[] = [];
  private readonly cellCounts: number[] = [];

  add({ bits, cell, lateness, publication, ratio }: Observation): void {
    const { counts } = this;
    for (let rest = bits; rest !== 0; rest &= rest - 1) counts[31 - Math.clz32(rest & -rest)]! += 1;
    if (cell !== NONE) this.addCell(cell, 1);
    if (lateness !== NONE) counts[LATENESS + lateness]! += 1;
    if (publication !== NONE) counts[PUBLICATION + publication]! += 1;
    if (ratio !== NONE) counts[RATIOS + ratio]! += 1;
  }

  get(name: CountName): number {
    return this.counts[countIndex[name]]!;
  }

  *cells(): Generator<[cell: Cell, count: number]> {
    for (const [at, cell] of this.cellNumbers.entries()) yield [cell, this.cellCounts[at]!];
  }

  get lateness(): Uint32Array {
    return this.counts.subarray(LATENESS, PUBLICATION);
  }

  get publication(): Uint32Array {
    return this.counts.subarray(PUBLICATION, RATIOS);
  }

  get ratios(): Uint32Array {
    return this.counts.subarray(RATIOS, SIZE);
  }

  get events(): number {
    return Object.values(this.byFamily()).reduce((sum, count) => sum + count, 0);
  }

  byFamily(): Readonly<Record<FamilyName, number>> {
    return {
      telemetry: this.get('telemetry'),
      'vehicle-events': this.get('vehicle-events'),
      'rider-events': this.get('rider-events'),
      trips: this.get('trips'),
    };
  }

  all(): Readonly<Record<CountName, number>> {
    return Object.fromEntries(names.map((name) => [name, this.get(name)])) as Record<CountName, number>;
  }

  addAll(other: Slot): void {
    for (let index = 0; index < SIZE; index += 1) this.counts[index]! += other.counts[index]!;
    for (const [cell, count] of other.cells()) this.addCell(cell, count);
  }

  clear(): void {
    this.counts.fill(0);
    this.cellNumbers.length = this.cellCounts.length = 0;
  }

  private addCell(cell: Cell, count: number): void {
    const { cellNumbers, cellCounts } = this;
    const at = cellNumbers.indexOf(cell);
    if (at !== -1) {
      cellCounts[at]! += count;
    } else if (cellNumbers.length < MAX_CELLS) {
      cellNumbers.push(cell);
      cellCounts.push(count);
    }
  }
}
