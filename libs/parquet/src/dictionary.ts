import type { Column } from './columns/column.js';

/** Rows that are examined to decide whether a dictionary may be worth its size. */
const SAMPLE_ROWS = 1_000;
/** A column has no dictionary if the distinct values of the sample have a larger share of its bytes. */
const MAX_DISTINCT_SHARE = 0.9;
/** In PLAIN, byte arrays have their length in front. */
const LENGTH_BYTES = 4;

/** The distinct values of a column in some rows. */
export interface Dictionary {
  /** A row of each value, in the order of their first appearance. */
  readonly rows: Uint32Array;
  /** Of each row that has a value: the index of the value in {@link rows}. */
  readonly indexes: Uint32Array;
}

/**
 * The dictionary of a column; `undefined` if it has none, because it would not save half of the bytes. The decision is that of
 * hyparquet-writer, so the files are those of its function `parquetWrite`.
 *
 * @param rows all rows of the row group
 * @param present those with a value
 */
export function dictionaryOf(
  column: Column,
  rows: Uint32Array,
  present: Uint32Array,
): Dictionary | undefined {
  const { type } = column.element;
  if (type === 'BOOLEAN' || !sampleRepeats(column, rows)) return undefined;
  const indexes = new Uint32Array(present.length);
  const found = new Map<ReturnType<Column['keyOf']>, number>();
  const distinct: number[] = [];
  const lengthBytes = lengthBytesOf(column);
  let plainBytes = 0;
  let dictionaryBytes = 0;
  let previousKey: ReturnType<Column['keyOf']> | undefined;
  let index = 0;
  for (let position = 0; position < present.length; position += 1) {
    const row = present[position]!;
    const key = column.keyOf(row);
    const sizeBytes = column.dictionarySizeOf(row) + lengthBytes;
    if (key !== previousKey) {
      const known = found.get(key);
      index = known ?? distinct.length;
      if (known === undefined) {
        found.set(key, index);
        distinct.push(row);
        dictionaryBytes += sizeBytes;
      }
      previousKey = key;
    }
    plainBytes += sizeBytes;
    indexes[position] = index;
  }
  const indexBytes = Math.ceil((present.length * bitsFor(distinct.length - 1)) / 8);
  if (2 * (dictionaryBytes + indexBytes) > plainBytes) return undefined;
  return { rows: Uint32Array.from(distinct), indexes };
}

/** Bits of the numbers from 0 to `largest`. */
export function bitsFor(largest: number): number {
  return Math.ceil(Math.log2(largest + 1));
}

/** Whether values repeat in a sample that is spread over all rows. */
function sampleRepeats(column: Column, rows: Uint32Array): boolean {
  const sampled = Math.min(rows.length, SAMPLE_ROWS);
  const lengthBytes = lengthBytesOf(column);
  const found = new Set<ReturnType<Column['keyOf']>>();
  let distinctBytes = 0;
  let allBytes = 0;
  for (let sample = 0; sample < sampled; sample += 1) {
    const row = rows[sampled === 1 ? 0 : Math.floor((sample * (rows.length - 1)) / (sampled - 1))]!;
    if (!column.has(row)) continue;
    const sizeBytes = column.dictionarySizeOf(row) + lengthBytes;
    const key = column.keyOf(row);
    if (!found.has(key)) distinctBytes += sizeBytes;
    found.add(key);
    allBytes += sizeBytes;
  }
  return allBytes > 0 && distinctBytes / allBytes <= MAX_DISTINCT_SHARE;
}

function lengthBytesOf({ element }: Column): number {
  return element.type === 'BYTE_ARRAY' ? LENGTH_BYTES : 0;
}
