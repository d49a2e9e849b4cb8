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

/** A row before it is split into columns. */
interface Row {
  readonly event: Event;
  readonly record: BlockRecord;
}

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
      const rows = records.map((record): Row => {
        return { record, event: JSON.parse(record.value.toString('utf8')) as Event };
      });
      const writer = new ByteWriter();
      await parquetWrite({
        writer,
        columnData: columnData(columns, rows, partition),
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

function columnData(
  { columns, remainderOf }: ParquetColumns,
  rows: readonly Row[],
  partition: number,
): ColumnSource[] {
  const ofEvents = columns.map(({ name, type, valueOf }: ParquetColumn): ColumnSource => ({
    name,
    type,
    data: rows.map(({ event }) => valueOf(event)),
  }));
  return [
    ...ofEvents,
    { name: '_unknown', type: 'JSON', data: rows.map(({ event }) => remainderOf(event) ?? null) },
    { name: '_partition', type: 'INT32', nullable: false, data: rows.map(() => partition) },
    { name: '_offset', type: 'INT64', nullable: false, data: rows.map(({ record }) => record.offset) },
    {
      name: '_received_at',
      type: 'TIMESTAMP',
      nullable: false,
      data: rows.map(({ record }) => new Date(record.receivedMs)),
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
