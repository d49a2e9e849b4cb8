export { BooleanColumn } from './columns/boolean-column.js';
export type { ColumnData } from './columns/columns.js';
export { NumberColumn } from './columns/number-column.js';
export { OffsetColumn } from './columns/offset-column.js';
export { TextColumn } from './columns/text-column.js';
export { EncodingPool } from './encoding-pool.js';
export { encodeFiles, type Encode } from './parquet-file.js';
export { ParquetStream } from './parquet-stream.js';
