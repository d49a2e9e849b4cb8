import { elementOf, type Column, type ValueRange } from './column.js';
import { grown, INITIAL_ROWS } from './growth.js';

const TWO_POW_32 = 2 ** 32;

type NumberType = 'DOUBLE' | 'INT32' | 'INT64' | 'TIMESTAMP';

/** The rows of a {@link NumberColumn}; NaN is no value. */
export interface NumberData {
  readonly kind: 'numbers';
  readonly name: string;
  readonly type: NumberType;
  readonly isNullable: boolean;
  readonly values: Float64Array<ArrayBuffer>;
}

/** Numbers that a double represents exactly. */
export class NumberColumn implements Column {
  readonly element;
  readonly fixedSizeBytes: number;
  private readonly type: NumberType;
  private values: Float64Array<ArrayBuffer>;
  private rows = 0;

  constructor(private readonly initial: NumberData) {
    const { name, type, isNullable, values } = initial;
    this.element = elementOf(name, type, { isNullable });
    this.fixedSizeBytes = type === 'INT32' ? 4 : 8;
    this.type = type;
    this.values = values;
  }

  static empty(name: string, type: NumberType, { isNullable = true } = {}): NumberColumn {
    const values = new Float64Array(INITIAL_ROWS);
    return new NumberColumn({ kind: 'numbers', name, type, isNullable, values });
  }

  get data(): NumberData {
    return { ...this.initial, values: this.values };
  }

  /** Adds a row. */
  push(value: number | null): void {
    if (this.rows === this.values.length) this.values = grown(this.values);
    this.values[this.rows++] = value ?? NaN;
  }

  valueOf(row: number): number {
    return this.values[row]!;
  }

  has(row: number): boolean {
    return !Number.isNaN(this.values[row]!);
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
    switch (this.type) {
      case 'DOUBLE':
        return bytesOf(this.copyTo(new Float64Array(rows.length), rows));
      case 'INT32':
        return bytesOf(this.copyTo(new Int32Array(rows.length), rows));
      case 'INT64':
      case 'TIMESTAMP':
        return bytesOf(this.copyHalves(rows));
    }
  }

  rangeOf(rows: Uint32Array): ValueRange | undefined {
    if (rows.length === 0) return undefined;
    let min = Infinity;
    let max = -Infinity;
    for (const row of rows) {
      const value = this.values[row]!;
      if (value < min) min = value;
      if (value > max) max = value;
    }
    if (this.type === 'INT64' || this.type === 'TIMESTAMP') return { min: BigInt(min), max: BigInt(max) };
    // Zeros have both signs in statistics, because readers may compare them as different numbers.
    return { min: min === 0 ? -0 : min, max: max === 0 ? 0 : max };
  }

  private copyTo<T extends Float64Array | Int32Array>(target: T, rows: Uint32Array): T {
    for (let index = 0; index < rows.length; index += 1) target[index] = this.values[rows[index]!]!;
    return target;
  }

  /** Integers of 64 bits, the lower half of each first. */
  private copyHalves(rows: Uint32Array): Int32Array {
    const halves = new Int32Array(2 * rows.length);
    let index = 0;
    for (const row of rows) {
      const value = this.values[row]!;
      const high = Math.floor(value / TWO_POW_32);
      halves[index++] = value - high * TWO_POW_32;
      halves[index++] = high;
    }
    return halves;
  }
}

/** The bytes of an array, which are little-endian on all platforms of Node. */
function bytesOf(array: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
