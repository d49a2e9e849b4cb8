import { ByteWriter } from 'hyparquet-writer';
import type { Column } from './columns/column.js';
import { columnsOf, geometriesOf, type ColumnData } from './columns/columns.js';
import { compressorIsLoaded, startFile, writeRowGroup } from './row-group.js';

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

/** Encodes files on this thread. */
export const encodeFiles: Encode = async ({ columns, rows, files }) => {
  await compressorIsLoaded();
  const geometries = geometriesOf(columns);
  const created = columnsOf(columns, rows);
  return files.map((selected) => parquetFile(created, selected, geometries));
};

function parquetFile(
  columns: readonly Column[],
  rows: Uint32Array,
  geometries: readonly string[],
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(rows.length * RECORD_BYTES);
  const file = startFile(writer, columns, geometries);
  for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS)
    writeRowGroup(file, columns, rows.subarray(start, start + ROW_GROUP_ROWS));
  void file.finish();
  return writer.getBytes();
}
