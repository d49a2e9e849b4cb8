import { compress, init as loadZstd } from '@bokuweb/zstd-wasm';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { writeColumnChunk } from './column-chunk.js';
import type { Column } from './columns/column.js';
import { columnsOf, type ColumnData } from './columns/columns.js';

const ZSTD_LEVEL = 3;
const ROW_GROUP_ROWS = 100_000;
/** Expected size of a record in a file. */
const RECORD_BYTES = 64;

/** Records in columns, and the files to encode. */
export interface EncodingRequest {
  readonly columns: readonly ColumnData[];
  /** Number of rows of the columns. */
  readonly rows: number;
  /** The rows of each file, ascending. */
  readonly files: readonly Uint32Array[];
}

/** Encodes files. The buffers of the columns belong to it. Equal rows give equal bytes. */
export type Encode = (request: EncodingRequest) => Promise<readonly Uint8Array<ArrayBuffer>[]>;

/** The compressor, which must be loaded once: loading it again replaces its memory. */
let loadingZstd: Promise<void> | undefined;

/** Encodes files on this thread. */
export const encodeFiles: Encode = async ({ columns, rows, files }) => {
  await (loadingZstd ??= loadZstd());
  const geometries = columns.filter(({ kind }) => kind === 'points').map(({ name }) => name);
  const created = columnsOf(columns, rows);
  return files.map((selected) => parquetFile(created, selected, geometries));
};

/** A file with some rows of these columns. `geometries` are those with points. */
function parquetFile(
  columns: readonly Column[],
  rows: Uint32Array,
  geometries: readonly string[],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(rows.length * RECORD_BYTES);
  const file = new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(({ element }) => element)],
    codec: 'ZSTD',
    kvMetadata: geoMetadata(geometries),
    createdBy: 'hailstream',
  });
  for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS)
    writeRowGroup(file, columns, rows.subarray(start, start + ROW_GROUP_ROWS));
  void file.finish();
  return writer.getBytes();
}

function writeRowGroup(file: ParquetWriter, columns: readonly Column[], rows: Uint32Array): void {
  const writer = file.writer as ByteWriter;
  const start = writer.offset;
  const written = columns.map((column) =>
    writeColumnChunk(writer, column, rows, (bytes) => compress(bytes as Buffer, ZSTD_LEVEL)),
  );
  const chunks = written.map(({ chunk }) => chunk);
  file.pendingIndexes.push(...written);
  file.num_rows += BigInt(rows.length);
  file.row_groups.push({
    columns: chunks,
    total_byte_size: chunks.reduce((sum, { meta_data: data }) => sum + data!.total_uncompressed_size, 0n),
    num_rows: BigInt(rows.length),
    total_compressed_size: BigInt(writer.offset - start),
  });
}

/** Without a `crs`, coordinates are longitude and latitude in WGS 84. */
function geoMetadata(geometries: readonly string[]): { key: string; value: string }[] {
  const [primary] = geometries;
  if (primary === undefined) return [];
  const described = geometries.map((name) => [name, { encoding: 'WKB', geometry_types: ['Point'] }]);
  const geo = { version: '1.1.0', primary_column: primary, columns: Object.fromEntries(described) as object };
  return [{ key: 'geo', value: JSON.stringify(geo) }];
}
