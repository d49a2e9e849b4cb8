import { compress, init as loadZstd } from '@bokuweb/zstd-wasm';
import { eventRegistry, type EventFamily } from '@hailstream/events';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { ByteWriter, parquetWrite, type ColumnSource } from 'hyparquet-writer';
import type { Event } from '../../router-file/filter.js';
import type { BlockRecord, ObjectFormat } from './encode-block.js';
import { parquetColumns, type ParquetColumn, type ParquetColumns } from './parquet-columns.js';

const ZSTD_LEVEL = 3;
const ROW_GROUP_ROWS = 100_000;

/** The compressor, which must be loaded once: loading it again replaces its memory. */
let loadingZstd: Promise<void> | undefined;
/** The format of each topic. */
const formats = new Map<string, Promise<ObjectFormat>>();

/**
 * Parquet of a topic's event family: typed columns with MDS's names, points in WKB with GeoParquet metadata, H3 cells,
 * compressed with zstd. `_unknown` has fields that no column has, as JSON; `_partition`, `_offset` and `_received_at` say where
 * the record is in the log.
 *
 * @throws TypeError if the topic has no event family
 * @see https://geoparquet.org/releases/v1.1.0/
 */
export function parquetFormatOf(topic: string): Promise<ObjectFormat> {
  const family = eventRegistry.byTopic.get(topic);
  if (family === undefined) throw new TypeError(`topic "${topic}" has no event family`);
  const known = formats.get(topic) ?? parquetFormat(family);
  formats.set(topic, known);
  return known;
}

async function parquetFormat(family: EventFamily): Promise<ObjectFormat> {
  await (loadingZstd ??= loadZstd());
  const columns = parquetColumns(family);
  return {
    extension: 'parquet',
    async encode(records, partition) {
      const writer = new ByteWriter();
      await parquetWrite({
        writer,
        columnData: columnData(columns, records, partition),
        codec: 'ZSTD',
        compressors: { ZSTD: (bytes) => compress(bytes, ZSTD_LEVEL) },
        rowGroupSize: ROW_GROUP_ROWS,
        kvMetadata: geoMetadata(columns),
        createdBy: 'hailstream',
      });
      return Buffer.from(writer.getBuffer());
    },
    async offsets(bytes) {
      const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
      const rows = await parquetReadObjects({
        file,
        columns: ['_offset'],
        compressors: { ZSTD: (input, outputLength) => decompress(input, new Uint8Array(outputLength)) },
      });
      return rows.map(({ _offset: offset }) => BigInt(offset as bigint));
    },
  };
}

/** Splits events into columns one after the other, so that only one parsed event is in memory. */
function columnData(
  { columns, remainderOf }: ParquetColumns,
  records: readonly BlockRecord[],
  partition: number,
): ColumnSource[] {
  const values = columns.map(() => new Array<unknown>(records.length));
  const remainders = new Array<unknown>(records.length);
  for (const [row, { value }] of records.entries()) {
    const event = JSON.parse(value.toString('utf8')) as Event;
    for (let column = 0; column < columns.length; column += 1)
      values[column]![row] = columns[column]!.valueOf(event);
    remainders[row] = remainderOf(event) ?? null;
  }
  const ofEvents = columns.map(({ name, type }: ParquetColumn, column): ColumnSource => ({
    name,
    type,
    data: values[column]!,
  }));
  const ofRecord = { nullable: false } as const;
  return [
    ...ofEvents,
    { name: '_unknown', type: 'JSON', data: remainders },
    { ...ofRecord, name: '_partition', type: 'INT32', data: new Int32Array(records.length).fill(partition) },
    { ...ofRecord, name: '_offset', type: 'INT64', data: records.map(({ offset }) => offset) },
    {
      ...ofRecord,
      name: '_received_at',
      type: 'TIMESTAMP',
      data: records.map(({ receivedMs }) => BigInt(receivedMs)),
    },
  ];
}

/** Without a `crs`, coordinates are longitude and latitude in WGS 84. */
function geoMetadata({ geometries }: ParquetColumns): { key: string; value: string }[] {
  const [primary] = geometries;
  if (primary === undefined) return [];
  const described = geometries.map((name) => [name, { encoding: 'WKB', geometry_types: ['Point'] }]);
  const geo = { version: '1.1.0', primary_column: primary, columns: Object.fromEntries(described) as object };
  return [{ key: 'geo', value: JSON.stringify(geo) }];
}
