import { isUtf8 } from 'node:buffer';
import type { DeadLetterOrigin } from '../dead-letter/dead-letter.js';
import { reasonOf, type DeadLetterEntry, type DeadLetterGroup } from './dead-letter-entry.js';
import type { LogRecord } from '../record/record.js';

/** Control characters other than tab, line feed and carriage return: a text that has them is not printable. */
const CONTROL = /(?![\t\n\r])\p{Cc}/u;

/** Bytes of a record: as text if they are printable UTF-8, otherwise in hexadecimal. */
export interface BytesView {
  readonly sizeBytes: number;
  readonly encoding: 'utf8' | 'hex';
  /** The first bytes, if there are more than were requested. */
  readonly content: string;
  readonly isTruncated: boolean;
}

/** A dead letter for JSON: offsets are decimal strings, times ISO 8601. */
export function viewDeadLetter(entry: DeadLetterEntry) {
  const { id, groupId, topic, partition, offset, lastOffset, attempts, redrives, redrivenMs } = entry;
  return {
    id,
    group: groupId,
    topic,
    partition,
    offset: String(offset),
    ...(lastOffset !== undefined && { lastOffset: String(lastOffset) }),
    reason: reasonOf(entry),
    errorName: entry.errorName,
    attempts,
    redrives,
    receivedAt: toIso(entry.timestampMs),
    firstWrittenAt: toIso(entry.firstWrittenMs),
    lastWrittenAt: toIso(entry.lastWrittenMs),
    redrivenAt: redrivenMs === undefined ? null : toIso(redrivenMs),
  };
}

/** A group of dead letters for JSON. */
export function viewDeadLetterGroup({
  groupId,
  topic,
  pattern,
  reason,
  count,
  redriven,
  ...times
}: DeadLetterGroup) {
  return {
    group: groupId,
    topic,
    pattern,
    reason,
    count,
    redriven,
    firstWrittenAt: toIso(times.firstWrittenMs),
    lastWrittenAt: toIso(times.lastWrittenMs),
  };
}

/** The record of a dead letter for JSON, with at most `maxBytes` of each of its parts. */
export function viewDeadLetterContent(
  { key, value }: LogRecord,
  { headers, omittedKey, omittedValue }: DeadLetterOrigin,
  maxBytes: number,
) {
  return {
    key: key && viewBytes(key, maxBytes),
    headers: headers.map((header) => ({
      name: header.key,
      value: header.value && viewBytes(header.value, maxBytes),
    })),
    value: value && viewBytes(value, maxBytes),
    ...(omittedKey && { omittedKey }),
    ...(omittedValue && { omittedValue }),
  };
}

function viewBytes(bytes: Buffer, maxBytes: number): BytesView {
  const isTruncated = bytes.length > maxBytes;
  const shown = isTruncated ? bytes.subarray(0, wholeCharacters(bytes, maxBytes)) : bytes;
  const text = isUtf8(shown) ? shown.toString('utf8') : undefined;
  const isText = text !== undefined && !CONTROL.test(text);
  return {
    sizeBytes: bytes.length,
    encoding: isText ? 'utf8' : 'hex',
    content: isText ? text : shown.toString('hex'),
    isTruncated,
  };
}

/** The largest number of bytes up to `maxBytes` that does not split a character of UTF-8. */
function wholeCharacters(bytes: Buffer, maxBytes: number): number {
  let end = maxBytes;
  while (end > maxBytes - 4 && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return end;
}

/** `null` for a time that ISO 8601 cannot represent. */
function toIso(timeMs: number): string | null {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
