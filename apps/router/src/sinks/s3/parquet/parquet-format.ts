import { compress, init as loadZstd } from '@bokuweb/zstd-wasm';
import { eventRegistry, type EventFamily } from '@hailstream/events';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Event } from '../../../router-file/filter.js';
import type { BlockRecord, ObjectFormat, RecordCollector } from '../block-records.js';
import { writeColumnChunk } from './column-chunk.js';
import type { Column } from './column.js';
import { EventColumns, geometriesOf } from './event-columns.js';
import { NumberColumn } from './number-column.js';
import { OffsetColumn } from './offset-column.js';

const ZSTD_LEVEL = 3;
const ROW_GROUP_ROWS = 100_000;
/** Expected size of a record in a file. */
const RECORD_BYTES = 64;

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
  return {
    extension: 'parquet',
    collect: (partition) => new ParquetCollector(family, partition),
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

/** Splits events into columns as they are read, so that neither the records nor the parsed events are kept. */
class ParquetCollector implements RecordCollector {
  private readonly events: EventColumns;
  private readonly partitions = new NumberColumn('_partition', 'INT32', { isNullable: false });
  private readonly offsets = new OffsetColumn('_offset');
  private readonly receivedTimes = new NumberColumn('_received_at', 'TIMESTAMP', { isNullable: false });

  constructor(
    family: EventFamily,
    private readonly partition: number,
  ) {
    this.events = new EventColumns(family);
  }

  push({ offset, receivedMs }: BlockRecord, event: Event): void {
    this.events.push(event);
    this.partitions.push(this.partition);
    this.offsets.push(offset);
    this.receivedTimes.push(receivedMs);
  }

  encode(rows: Uint32Array): Promise<Buffer> {
    const { events, partitions, offsets, receivedTimes } = this;
    const columns = [...events.columns, partitions, offsets, receivedTimes];
    return Promise.resolve(parquetFile(columns, rows));
  }
}

/** A file with some rows of these columns. */
function parquetFile(columns: readonly Column[], rows: Uint32Array): Buffer {
  const writer = new ByteWriter(rows.length * RECORD_BYTES);
  const file = new ParquetWriter({
    writer,
    schema: [{ name: 'root', num_children: columns.length }, ...columns.map(({ element }) => element)],
    codec: 'ZSTD',
    kvMetadata: geoMetadata(geometriesOf(columns)),
    createdBy: 'hailstream',
  });
  for (let start = 0; start < rows.length; start += ROW_GROUP_ROWS)
    writeRowGroup(file, columns, rows.subarray(start, start + ROW_GROUP_ROWS));
  void file.finish();
  return Buffer.from(writer.getBytes());
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
