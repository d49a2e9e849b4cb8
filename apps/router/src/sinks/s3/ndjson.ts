import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { BlockRecord, ObjectFormat } from './encode-block.js';

const compress = promisify(gzip);
const uncompress = promisify(gunzip);
const NEWLINE = 0x0a;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACE = 0x7b;

/**
 * Newline-delimited JSON, compressed with gzip: each line is the event as it is in the log, with the additional fields
 * `_partition`, `_offset` and `_received_at` (milliseconds).
 */
export const ndjsonGzip: ObjectFormat = {
  extension: 'ndjson.gz',
  encode: (records, partition) =>
    compress(Buffer.concat(records.flatMap((record) => ndjsonLine(record, partition)))),
  async offsets(bytes) {
    const lines = (await uncompress(bytes)).toString('utf8').split('\n');
    return lines.filter((line) => line !== '').map(offsetOf);
  },
};

/** Reads the text of the number, which `JSON.parse` would round beyond 2^53. */
function offsetOf(line: string): bigint {
  JSON.parse(line);
  const [, offset] = /,?"_partition":\d+,"_offset":(\d+),"_received_at":-?\d+\}$/.exec(line) ?? [];
  if (offset === undefined) throw new SyntaxError('a line has no _offset');
  return BigInt(offset);
}

/** The parts of one line. Offsets are decimal numbers; beyond 2^53 most JSON readers round them. */
function ndjsonLine({ value, offset, receivedMs }: BlockRecord, partition: number): Buffer[] {
  const event = inOneLine(value);
  const end = event.lastIndexOf(CLOSING_BRACE);
  const isEmpty = lastBefore(event, end) === OPENING_BRACE;
  const fields = `${isEmpty ? '' : ','}"_partition":${partition},"_offset":${offset},"_received_at":${receivedMs}}\n`;
  return [event.subarray(0, end), Buffer.from(fields)];
}

/** A line feed in JSON can only be white space between tokens: within strings it is escaped. */
function inOneLine(value: Buffer): Buffer {
  if (!value.includes(NEWLINE) && !value.includes(0x0d)) return value;
  return Buffer.from(JSON.stringify(JSON.parse(value.toString('utf8'))));
}

/** The last byte before `end` that is not white space. */
function lastBefore(bytes: Buffer, end: number): number | undefined {
  let index = end - 1;
  while (index >= 0 && bytes[index]! <= 0x20) index -= 1;
  return bytes[index];
}
