import { eventRegistry, type EventFamily } from '@hailstream/events';
import { NumberColumn, OffsetColumn, type Encode } from '@hailstream/parquet';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import type { Event } from '../../../router-file/filter.js';
import { EventColumns } from './event-columns.js';
import type { BlockRecord, ObjectFormat, RecordCollector } from './object-format.js';

/**
 * Parquet of a topic's event family: typed columns with MDS's names, points in WKB with GeoParquet metadata, H3 cells,
 * compressed with zstd. `_unknown` has fields that no column has, as JSON; `_partition`, `_offset` and `_received_at` say where
 * the record is in the log.
 *
 * @throws TypeError if the topic has no event family
 * @see https://geoparquet.org/releases/v1.1.0/
 */
export function parquetFormatOf(topic: string, encode: Encode): ObjectFormat {
  const family = eventRegistry.byTopic.get(topic);
  if (family === undefined) throw new TypeError(`topic "${topic}" has no event family`);
  return {
    extension: 'parquet',
    collect: (partition) => new ParquetCollector(family, partition, encode),
    async read(bytes) {
      const events = new EventColumns(family);
      const rows = await rowsOf(bytes, [...events.storedColumns, '_offset', '_received_at']);
      return rows.map((row) => {
        const event = events.eventOf(row);
        return {
          offset: BigInt(row['_offset'] as bigint),
          receivedMs: (row['_received_at'] as Date).getTime(),
          value: Buffer.from(JSON.stringify(event)),
          event,
        };
      });
    },
    async offsets(bytes) {
      const rows = await rowsOf(bytes, ['_offset']);
      return rows.map(({ _offset: offset }) => BigInt(offset as bigint));
    },
  };
}

/** The rows of a file, with some of its columns. */
async function rowsOf(bytes: Buffer, columns: string[]): Promise<Record<string, unknown>[]> {
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  return parquetReadObjects({
    file,
    columns,
    compressors: { ZSTD: (input, outputLength) => decompress(input, new Uint8Array(outputLength)) },
  });
}

/** Splits events into columns as they are read, so that neither the records nor the parsed events are kept. */
class ParquetCollector implements RecordCollector {
  private readonly events: EventColumns;
  private readonly partitions = NumberColumn.empty('_partition', 'INT32', { isNullable: false });
  private readonly offsets = OffsetColumn.empty('_offset');
  private readonly receivedTimes = NumberColumn.empty('_received_at', 'TIMESTAMP', { isNullable: false });
  private rows = 0;

  constructor(
    family: EventFamily,
    private readonly partition: number,
    private readonly encodeFiles: Encode,
  ) {
    this.events = new EventColumns(family);
  }

  push({ offset, receivedMs }: Pick<BlockRecord, 'offset' | 'receivedMs'>, event: Event): void {
    this.rows += 1;
    this.events.push(event);
    this.partitions.push(this.partition);
    this.offsets.push(offset);
    this.receivedTimes.push(receivedMs);
  }

  async encode(objects: readonly Uint32Array[]): Promise<readonly Buffer[]> {
    if (objects.length === 0) return [];
    const { events, partitions, offsets, receivedTimes, rows } = this;
    const columns = [...events.data, partitions.data, offsets.data, receivedTimes.data];
    const files = await this.encodeFiles({ columns, rows, files: objects });
    return files.map(({ buffer, byteOffset, length }) => Buffer.from(buffer, byteOffset, length));
  }
}
