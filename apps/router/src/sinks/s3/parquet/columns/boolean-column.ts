import { elementOf, type Column, type ValueRange } from './column.js';
import { grown, INITIAL_ROWS } from './growth.js';

const NO_VALUE = 2;

/** Truth values. */
export class BooleanColumn implements Column {
  readonly element;
  readonly fixedSizeBytes = 1 / 8;
  /** 0, 1 or {@link NO_VALUE}. */
  private values = new Uint8Array(INITIAL_ROWS);
  private rows = 0;

  constructor(name: string) {
    this.element = elementOf(name, 'BOOLEAN');
  }

  /** Adds a row. */
  push(value: boolean | null): void {
    if (this.rows === this.values.length) this.values = grown(this.values);
    this.values[this.rows++] = value === null ? NO_VALUE : Number(value);
  }

  has(row: number): boolean {
    return this.values[row] !== NO_VALUE;
  }

  keyOf(row: number): number {
    return this.values[row]!;
  }

  sizeOf(): number {
    return this.fixedSizeBytes;
  }

  dictionarySizeOf(): number {
    return this.fixedSizeBytes;
  }

  plain(rows: Uint32Array): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(rows.length / 8));
    for (const [index, row] of rows.entries()) bytes[index >> 3]! |= this.values[row]! << (index & 7);
    return bytes;
  }

  rangeOf(rows: Uint32Array): ValueRange | undefined {
    if (rows.length === 0) return undefined;
    return {
      min: rows.every((row) => this.values[row] === 1),
      max: rows.some((row) => this.values[row] === 1),
    };
  }
}
