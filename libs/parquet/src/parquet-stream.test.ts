import { decompress } from 'fzstd';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { ColumnData } from './columns/columns.js';
import { NumberColumn } from './columns/number-column.js';
import { TextColumn } from './columns/text-column.js';
import { encodeFiles } from './parquet-file.js';
import { ParquetStream } from './parquet-stream.js';

/** Rows of a file of this package: its row groups have so many. */
const ROW_GROUP_ROWS = 100_000;

function columnsFrom(first: number, rows: number): ColumnData[] {
  const lat = NumberColumn.empty('lat', 'DOUBLE');
  const lng = NumberColumn.empty('lng', 'DOUBLE');
  const name = TextColumn.empty('name', 'STRING');
  for (let row = first; row < first + rows; row += 1) {
    lat.push(row % 11 === 0 ? null : row / 1e4);
    lng.push(-row / 1e5);
    name.push(row % 5 === 0 ? null : `name ${row % 300}`);
  }
  return [
    lat.data,
    lng.data,
    name.data,
    { kind: 'points', name: 'geometry', lat: 'lat', lng: 'lng' },
    { kind: 'cells', name: 'h3_cell', lat: 'lat', lng: 'lng' },
  ];
}

async function streamed(groups: readonly number[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const stream = await ParquetStream.open(columnsFrom(0, 0), async (bytes) => {
    pieces.push(Uint8Array.from(bytes));
  });
  let first = 0;
  for (const rows of groups) {
    await stream.appendRowGroup(columnsFrom(first, rows), rows);
    first += rows;
  }
  await stream.finish();
  return Buffer.concat(pieces);
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

describe(ParquetStream, () => {
  it('writes the bytes that encodeFiles gives for the same row groups', async () => {
    const rows = ROW_GROUP_ROWS + 1_000;
    const files = [Uint32Array.from({ length: rows }, (_, row) => row)];
    const [expected] = await encodeFiles({ columns: columnsFrom(0, rows), rows, files });
    expect((await streamed([ROW_GROUP_ROWS, 1_000])).equals(expected!)).toBe(true);
  });

  it('writes rows in the order of their row groups, of any size', async () => {
    const file = arrayBuffer(await streamed([1, 0, 700, 3]));
    expect(parquetMetadata(file).row_groups.map(({ num_rows: rows }) => Number(rows))).toEqual([1, 700, 3]);
    const read = await parquetReadObjects({
      file,
      compressors: { ZSTD: (input, length) => decompress(input, new Uint8Array(length)) },
    });
    expect(read.map(({ lng }) => lng)).toEqual(Array.from({ length: 704 }, (_, row) => -row / 1e5));
  });

  it('writes a file without rows', async () => {
    const { num_rows: rows, key_value_metadata: metadata } = parquetMetadata(arrayBuffer(await streamed([])));
    expect(rows).toBe(0n);
    expect(metadata![0]!.key).toBe('geo');
  });
});
