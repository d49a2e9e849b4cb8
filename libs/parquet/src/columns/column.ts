import type { MinMaxType, SchemaElement } from 'hyparquet/src/types.js';
import { schemaFromColumnData } from 'hyparquet-writer';
import type { BasicType } from 'hyparquet-writer/src/types.js';

/** Smallest and largest value of some rows. */
export interface ValueRange {
  readonly min: MinMaxType;
  readonly max: MinMaxType;
}

/** Values of a column of a Parquet file, one for each row; a nullable column may have none in a row. */
export interface Column {
  readonly element: SchemaElement;
  /** Size of each value in a page, in bytes; `undefined` if values have different sizes. */
  readonly fixedSizeBytes: number | undefined;
  /** Whether the row has a value. */
  has(row: number): boolean;
  /** Equal for equal values of the column. The row has a value. */
  keyOf(row: number): number | bigint | string;
  /** Size of the value in a page, without its length, in bytes. The row has a value. */
  sizeOf(row: number): number;
  /** What the value counts in the decision about a dictionary, without its length. The row has a value. */
  dictionarySizeOf(row: number): number;
  /** Encodes values as PLAIN. All rows have values. The bytes may be borrowed. */
  plain(rows: Uint32Array): Uint8Array;
  /** `undefined` if there are no rows. All rows have values. */
  rangeOf(rows: Uint32Array): ValueRange | undefined;
}

/** The element of the schema that describes a column. */
export function elementOf(name: string, type: BasicType, { isNullable = true } = {}): SchemaElement {
  const columnData = [{ name, type, data: [], nullable: isNullable }];
  return schemaFromColumnData({ columnData })[1]!;
}
