import type { FamilyName } from '@hailstream/events';
import type { Cell } from '@hailstream/events/plausibility';
import { BUCKETS, RATIO_BUCKETS } from './histogram.js';

/** What is counted in a slot of time. */
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

/** Where each count is. Counting is by index, because texts are slower. */
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
  readonly cells = new Map<Cell, number>();

  /** @param index of `countIndex` */
  add(index: number): void {
    this.counts[index]! += 1;
  }

  get(name: CountName): number {
    return this.counts[countIndex[name]]!;
  }

  addLateness(bucket: number): void {
    this.counts[LATENESS + bucket]! += 1;
  }

  addPublication(bucket: number): void {
    this.counts[PUBLICATION + bucket]! += 1;
  }

  addRatio(bucket: number): void {
    this.counts[RATIOS + bucket]! += 1;
  }

  addCell(cell: Cell, count = 1): void {
    const known = this.cells.get(cell);
    if (known === undefined && this.cells.size >= MAX_CELLS) return;
    this.cells.set(cell, (known ?? 0) + count);
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
    for (const [cell, count] of other.cells) this.addCell(cell, count);
  }

  clear(): void {
    this.counts.fill(0);
    this.cells.clear();
  }
}
