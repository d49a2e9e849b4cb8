import type { TemporaryFile } from '../files/temporary-file.js';

/** Numbers of a record: time, cab and whether it is occupied, latitude, longitude, line. */
export const RECORD_NUMBERS = 5;
const RECORD_BYTES = RECORD_NUMBERS * Float64Array.BYTES_PER_ELEMENT;

/** Records of one run that are read at a time. */
const BLOCK_RECORDS = 1_024;

/** By time, cab, place; of fixes that are otherwise the same the occupied one first, then the first line. */
export function compareRecords(a: Float64Array, atA: number, b: Float64Array, atB: number): number {
  const [cabA, cabB] = [a[atA + 1]!, b[atB + 1]!];
  return (
    a[atA]! - b[atB]! ||
    Math.floor(cabA / 4) - Math.floor(cabB / 4) ||
    a[atA + 2]! - b[atB + 2]! ||
    a[atA + 3]! - b[atB + 3]! ||
    cabB - cabA ||
    a[atA + 4]! - b[atB + 4]!
  );
}

/** Sorted records, block by block. */
export interface RecordRun {
  readonly records: Float64Array;
  /** Where the record starts that is next. */
  readonly at: number;
  /** Goes to the next record of the block; false at its end. */
  step(): boolean;
  /** Goes to the first record of the next block; false at the end. */
  nextBlock(): Promise<boolean>;
}

/** Records that are in memory: one block. */
export class MemoryRun implements RecordRun {
  at = -RECORD_NUMBERS;

  constructor(readonly records: Float64Array) {}

  step(): boolean {
    this.at += RECORD_NUMBERS;
    return this.at < this.records.length;
  }

  async nextBlock(): Promise<boolean> {
    return this.at < 0 && this.step();
  }
}

/** Records in the temporary file. */
export class FileRun implements RecordRun {
  records = new Float64Array(0);
  at = 0;
  private readonly file: TemporaryFile;
  private place: number;
  private left: number;

  constructor(file: TemporaryFile, place: number, count: number) {
    this.file = file;
    this.place = place;
    this.left = count;
  }

  step(): boolean {
    this.at += RECORD_NUMBERS;
    return this.at < this.records.length;
  }

  async nextBlock(): Promise<boolean> {
    if (this.left === 0) return false;
    const count = Math.min(this.left, BLOCK_RECORDS);
    this.records = new Float64Array(count * RECORD_NUMBERS);
    await this.file.read(Buffer.from(this.records.buffer), this.place);
    this.place += count * RECORD_BYTES;
    this.left -= count;
    this.at = 0;
    return true;
  }
}

/** A binary heap of runs: the first one has the least record. */
export class Merge {
  private readonly heap: RecordRun[] = [];

  get first(): RecordRun | undefined {
    return this.heap[0];
  }

  push(run: RecordRun): void {
    this.heap.push(run);
    for (let child = this.heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.isBefore(child, parent)) break;
      this.swap(child, parent);
      child = parent;
    }
  }

  /** Finds the place of the first run, which went to its next record; drops it if it has none. */
  settle(hasNext: boolean): void {
    if (!hasNext) {
      const last = this.heap.pop();
      if (last === undefined || this.heap.length === 0) return;
      this.heap[0] = last;
    }
    for (let parent = 0; ;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let least = parent;
      if (left < this.heap.length && this.isBefore(left, least)) least = left;
      if (right < this.heap.length && this.isBefore(right, least)) least = right;
      if (least === parent) return;
      this.swap(least, parent);
      parent = least;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const [a, b] = [this.heap[one]!, this.heap[other]!];
    return compareRecords(a.records, a.at, b.records, b.at) < 0;
  }

  private swap(one: number, other: number): void {
    [this.heap[one], this.heap[other]] = [this.heap[other]!, this.heap[one]!];
  }
}
