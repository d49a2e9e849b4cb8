import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { EventOutput } from '../../event-output.js';
import type { BlockRecord, ObjectFormat, RecordCollector } from './object-format.js';

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
  async offsets(bytes) {
    const lines = (await uncompress(bytes)).toString('utf8').split('\n');
    return lines.filter((line) => line !== '').map(offsetOf);
  },
};

class LineCollector implements RecordCollector {
  private readonly records: BlockRecord[] = [];

  constructor(private readonly partition: number) {}

  push(record: BlockRecord): void {
    this.records.push(record);
  }

  async encode(objects: readonly Uint32Array[]): Promise<readonly Buffer[]> {
    const encoded: Buffer[] = [];
    for (const rows of objects) {
      const selected: BlockRecord[] = [];
      for (const row of rows) selected.push(this.records[row]!);
      encoded.push(await compress(linesOf(selected, this.partition), { chunkSize: CHUNK_BYTES }));
    }
    return encoded;
  }
}

/** Reads the text of the number, which `JSON.parse` would round beyond 2^53. */
function offsetOf(line: string): bigint {
  JSON.parse(line);
  const [, offset] = /,?"_partition":\d+,"_offset":(\d+),"_received_at":-?\d+\}$/.exec(line) ?? [];
  if (offset === undefined) throw new SyntaxError('a line has no _offset');
  return BigInt(offset);
}

/** Offsets are decimal numbers; beyond 2^53 most JSON readers round them. */
function linesOf(records: readonly BlockRecord[], partition: number): Buffer {
  const sizeBytes = records.reduce((sum, { value }) => sum + value.length + FIELDS_BYTES, 0);
  const output = new EventOutput(sizeBytes);
  for (const { value, offset, receivedMs } of records)
    output.line(value, `"_partition":${partition},"_offset":${offset},"_received_at":${receivedMs}`);
  return output.bytes();
}
