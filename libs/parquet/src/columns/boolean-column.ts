import { elementOf, type Column, type ValueRange } from './column.js';
import { grown, INITIAL_ROWS } from './growth.js';

const NO_VALUE = 2;

/** The rows of a {@link BooleanColumn}: 0, 1 or {@link NO_VALUE}. */
export interface BooleanData {
  readonly kind: 'booleans';
  readonly name: string;
  readonly values: Uint8Array<ArrayBuffer>;
}

/** Truth values. */
export class BooleanColumn implements Column {
  readonly element;
  readonly fixedSizeBytes = 1 / 8;
  private values: Uint8Array<ArrayBuffer>;
  private rows = 0;

  constructor({ name, values }: BooleanData) {
    this.element = elementOf(name, 'BOOLEAN');
    this.values = values;
  }

  static empty(name: string): BooleanColumn {
    return new BooleanColumn({ kind: 'booleans', name, values: new Uint8Array(INITIAL_ROWS) });
  }

  get data(): BooleanData {
    return { kind: 'booleans', name: this.element.name, values: this.values };
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
