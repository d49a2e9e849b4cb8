import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { EventOutput } from '../../event-output.js';
import type { Event } from '../../../router-file/filter.js';
import type { ObjectFormat, RecordCollector, StoredRecord } from './object-format.js';

const compress = promisify(gzip);
const uncompress = promisify(gunzip);

/** Of each call of the compressor: calls run on another thread, and each one costs as much as some hundred bytes. */
const CHUNK_BYTES = 1_048_576;
/** Expected size of the additional fields, in bytes. */
const FIELDS_BYTES = 80;

/**
 * Newline-delimited JSON, compressed with gzip: each line is the event as it is in the log, with the additional fields
 * `_partition`, `_offset` and `_received_at` (milliseconds).
 */
export const ndjsonGzip: ObjectFormat = {
  extension: 'ndjson.gz',
  collect: (partition) => new LineCollector(partition),
  async read(bytes) {
    return (await linesIn(bytes)).map(recordOf);
  },
  async offsets(bytes) {
    return (await linesIn(bytes)).map(offsetOf);
  },
};

type LineRecord = Parameters<RecordCollector['push']>[0];

class LineCollector implements RecordCollector {
  private readonly records: LineRecord[] = [];

  constructor(private readonly partition: number) {}

  push(record: LineRecord): void {
    this.records.push(record);
  }

  async encode(objects: readonly Uint32Array[]): Promise<readonly Buffer[]> {
    const encoded: Buffer[] = [];
    for (const rows of objects) {
      const selected: LineRecord[] = [];
      for (const row of rows) selected.push(this.records[row]!);
      encoded.push(await compress(linesOf(selected, this.partition), { chunkSize: CHUNK_BYTES }));
    }
    return encoded;
  }
}

async function linesIn(bytes: Buffer): Promise<string[]> {
  return (await uncompress(bytes))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}

/** The event as it was in the log, in one line, without the additional fields. */
function recordOf(line: string): StoredRecord {
  const [, fields, offset, receivedMs] =
    /^(.*?),?"_partition":\d+,"_offset":(\d+),"_received_at":(-?\d+)\}$/.exec(line) ?? [];
  if (fields === undefined || offset === undefined) throw new SyntaxError('a line has no _offset');
  const value = `${fields}}`;
  return {
    offset: BigInt(offset),
    receivedMs: Number(receivedMs),
    value: Buffer.from(value),
    event: JSON.parse(value) as Event,
  };
}

/** Reads the text of the number, which `JSON.parse` would round beyond 2^53. */
function offsetOf(line: string): bigint {
  JSON.parse(line);
  const [, offset] = /,?"_partition":\d+,"_offset":(\d+),"_received_at":-?\d+\}$/.exec(line) ?? [];
  if (offset === undefined) throw new SyntaxError('a line has no _offset');
  return BigInt(offset);
}

/** Offsets are decimal numbers; beyond 2^53 most JSON readers round them. */
function linesOf(records: readonly LineRecord[], partition: number): Buffer {
  const sizeBytes = records.reduce((sum, { value }) => sum + value.length + FIELDS_BYTES, 0);
  const output = new EventOutput(sizeBytes);
  for (const { value, offset, receivedMs } of records)
    output.line(value, `"_partition":${partition},"_offset":${offset},"_received_at":${receivedMs}`);
  return output.bytes();
}
