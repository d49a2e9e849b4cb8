import { compress, init as loadZstd } from '@bokuweb/zstd-wasm';
import { ParquetWriter, type ByteWriter } from 'hyparquet-writer';
import { writeColumnChunk } from './column-chunk.js';
import type { Column } from './columns/column.js';

const ZSTD_LEVEL = 3;

/** The compressor, which must be loaded once: loading it again replaces its memory. */
let loadingZstd: Promise<void> | undefined;

/** Resolves when row groups can be written. */
export function compressorIsLoaded(): Promise<void> {
  return (loadingZstd ??= loadZstd());
}

/** Writes the start of a file with these columns. `geometries` are those with points. */
export function startFile(
  writer: ByteWriter,
  columns: readonly Column[],
  geometries: readonly string[],
): ParquetWriter {
  return new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(({ element }) => element)],
    codec: 'ZSTD',
    kvMetadata: geoMetadata(geometries),
    createdBy: 'hailstream',
  });
}

/** Appends rows of the columns to a file. The compressor must be loaded. */
export function writeRowGroup(file: ParquetWriter, columns: readonly Column[], rows: Uint32Array): void {
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
