import type { TemporaryFile } from '../files/temporary-file.js';

/** Numbers per record: time, cab with occupancy, latitude, longitude, line. */
export const RECORD_NUMBERS = 5;
const RECORD_BYTES = RECORD_NUMBERS * Float64Array.BYTES_PER_ELEMENT;

/** Number of records that are read from a run at a time. */
const BLOCK_RECORDS = 1_024;

/** Orders records by time, cab and position; of identical fixes the occupied one is first, then the first line. */
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

/** Sorted records, read in blocks. */
interface RecordRun {
  readonly records: Float64Array;
  /** Index of the current record's first number. */
  readonly at: number;
  /** Advances to the next record of the block. Returns false at its end. */
  step(): boolean;
  /** Advances to the first record of the next block. Returns false at the end. */
  nextBlock(): Promise<boolean>;
}

/** Records in memory: a single block. */
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
  private position: number;
  private remaining: number;

  constructor(file: TemporaryFile, position: number, count: number) {
    this.file = file;
    this.position = position;
    this.remaining = count;
  }

  step(): boolean {
    this.at += RECORD_NUMBERS;
    return this.at < this.records.length;
  }

  async nextBlock(): Promise<boolean> {
    if (this.remaining === 0) return false;
    const count = Math.min(this.remaining, BLOCK_RECORDS);
    this.records = new Float64Array(count * RECORD_NUMBERS);
    await this.file.read(Buffer.from(this.records.buffer), this.position);
    this.position += count * RECORD_BYTES;
    this.remaining -= count;
    this.at = 0;
    return true;
  }
}

/** A binary heap of runs, ordered by their current records. */
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

  /** Restores the order after the first run has advanced. Removes that run if it has no more records. */
  settle(hasNext: boolean): void {
    if (!hasNext) {
      const last = this.heap.pop();
      if (last === undefined || this.heap.length === 0) return;
      this.heap[0] = last;
    }
    for (let parent = 0; ;) {
      const [left, right] = [2 * parent + 1, 2 * parent + 2];
      let first = parent;
      if (left < this.heap.length && this.isBefore(left, first)) first = left;
      if (right < this.heap.length && this.isBefore(right, first)) first = right;
      if (first === parent) return;
      this.swap(first, parent);
      parent = first;
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
