import { elementOf, type Column, type ValueRange } from './column.js';
import { grown, INITIAL_ROWS } from './growth.js';

/** The rows of an {@link OffsetColumn}. */
export interface OffsetData {
  readonly kind: 'offsets';
  readonly name: string;
  readonly values: BigInt64Array<ArrayBuffer>;
}

/** Offsets of records in the log, ascending, one in each row. They may exceed 2^53. */
export class OffsetColumn implements Column {
  readonly element;
  readonly fixedSizeBytes = 8;
  private values: BigInt64Array<ArrayBuffer>;
  private rows = 0;

  constructor({ name, values }: OffsetData) {
    this.element = elementOf(name, 'INT64', { isNullable: false });
    this.values = values;
  }

  static empty(name: string): OffsetColumn {
    return new OffsetColumn({ kind: 'offsets', name, values: new BigInt64Array(INITIAL_ROWS) });
  }

  get data(): OffsetData {
    return { kind: 'offsets', name: this.element.name, values: this.values };
  }

  /** Adds a row. */
  push(offset: bigint): void {
    if (this.rows === this.values.length) this.values = grown(this.values);
    this.values[this.rows++] = offset;
  }

  has(): boolean {
    return true;
  }

  keyOf(row: number): bigint {
    return this.values[row]!;
  }

  sizeOf(): number {
    return this.fixedSizeBytes;
  }

  dictionarySizeOf(): number {
    return this.fixedSizeBytes;
  }

  plain(rows: Uint32Array): Uint8Array {
    const offsets = new BigInt64Array(rows.length);
    for (let index = 0; index < rows.length; index += 1) offsets[index] = this.values[rows[index]!]!;
    return new Uint8Array(offsets.buffer);
  }

  rangeOf(rows: Uint32Array): ValueRange | undefined {
    if (rows.length === 0) return undefined;
    return { min: this.values[rows[0]!]!, max: this.values[rows.at(-1)!]! };
  }
}
