import { originalTimestampMs, readDeadLetter, type LogRecord } from '@hailstream/log';
import { storableReason } from '../rows/encode-chunk.js';

/** A row of `ride.dead_letters`. */
export interface DeadLetterRow {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Only of a batch that cannot be decoded. */
  readonly lastOffset: bigint | undefined;
  readonly consumerGroup: string;
  readonly attempts: number;
  readonly reason: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Timestamp of the record that was rejected; NaN if it has none. */
  readonly timestampMs: number;
  readonly rejectedAtMs: number;
}

/** The row of a record of the dead-letter topic. One without an origin is stored with its place in the dead-letter topic. */
export function toDeadLetterRow(
  record: LogRecord,
  place: { readonly topic: string; readonly partition: number },
): DeadLetterRow {
  const { key, value } = record;
  const origin = readDeadLetter(record);
  if (origin === undefined) {
    return {
      id: `${place.topic}/${place.partition}/${record.offset}//${record.timestampMs}`,
      ...place,
      offset: record.offset,
      lastOffset: undefined,
      consumerGroup: '',
      attempts: 0,
      reason: 'not a dead letter: the record has no headers with its origin',
      key,
      value,
      timestampMs: record.timestampMs,
      rejectedAtMs: record.timestampMs,
    };
  }
  const { omittedValue, timestampMs } = origin;
  const omitted = omittedValue
    ? `; value not kept: ${omittedValue.sizeBytes} bytes, SHA-256 ${omittedValue.sha256}`
    : '';
  return {
    id: storableReason(origin.id),
    topic: storableReason(origin.topic),
    partition: origin.partition,
    offset: origin.offset,
    lastOffset: origin.lastOffset,
    consumerGroup: storableReason(origin.groupId),
    attempts: origin.attempts,
    reason: storableReason(`${origin.error || origin.errorName}${omitted}`),
    key,
    value,
    // Of a record that was redriven before, the headers have the time at which ingest received it.
    timestampMs:
      origin.lastOffset === undefined
        ? originalTimestampMs({ headers: record.headers, timestampMs })
        : Number.NaN,
    rejectedAtMs: record.timestampMs,
  };
}
