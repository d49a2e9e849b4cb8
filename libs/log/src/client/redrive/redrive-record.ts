import type { LogHeader, LogRecord, OutgoingHeader, OutgoingRecord } from '../record/record.js';
import { readDeadLetter } from '../dead-letter/dead-letter-record.js';

/**
 * Headers of a record that was appended again for the consumer group that could not handle it, after its own headers, and of
 * the mark on the dead-letter topic. All are UTF-8 text.
 */
export const REDRIVE_HEADERS = {
  /** The id of the dead letter. */
  id: 'redrive-dead-letter-id',
  /** The group. Other groups have the record at its original offset. */
  group: 'redrive-group',
  /** How often the record has been redriven, in decimal. */
  count: 'redrive-count',
  /** The original timestamp in milliseconds, in decimal, if the record has been given another one. */
  timestamp: 'redrive-timestamp',
} as const;

/** How long a topic keeps records. */
interface TopicRetention {
  readonly nowMs: number;
  /** Age of the records that the cluster deletes, in milliseconds; -1 if it deletes none. */
  readonly retentionMs: number;
}

const NAMES: ReadonlySet<string> = new Set(Object.values(REDRIVE_HEADERS));

/** What the headers of a redriven record say, and those of the record of the dead-letter topic that marks it. */
interface Redrive {
  /** The id of the dead letter. */
  readonly id: string;
  readonly groupId: string;
  /** How often the record has been redriven. */
  readonly count: number;
}

/** The redrive of which a record is the result; `undefined` if it was not redriven. */
export function readRedrive(record: Pick<LogRecord, 'headers'>): Redrive | undefined {
  const { [REDRIVE_HEADERS.id]: id, [REDRIVE_HEADERS.group]: group } = record.headers;
  if (!id || !group) return undefined;
  const count = record.headers[REDRIVE_HEADERS.count]?.toString() ?? '';
  return { id: id.toString(), groupId: group.toString(), count: /^\d{1,9}$/.test(count) ? Number(count) : 1 };
}

/** The redrive that a record of the dead-letter topic marks as done; `undefined` if it is not such a mark. */
export function readRedriveMark(record: LogRecord): Redrive | undefined {
  return readDeadLetter(record) === undefined ? readRedrive(record) : undefined;
}

/**
 * Whether a record was redriven for another consumer group. The group that asks has passed it before, at its original
 * offset, and skips it.
 */
export function isRedrivenForAnother(record: LogRecord, groupId: string): boolean {
  const group = record.headers[REDRIVE_HEADERS.group];
  return group !== undefined && group.toString() !== groupId;
}

/** The timestamp that a record had before it was redriven; its own if it was not. */
export function originalTimestampMs(record: Pick<LogRecord, 'headers' | 'timestampMs'>): number {
  const text = record.headers[REDRIVE_HEADERS.timestamp];
  if (text === undefined || readRedrive(record) === undefined) return record.timestampMs;
  return toNumber(text.toString()) ?? record.timestampMs;
}

/** Headers without those of a redrive. */
export function withoutRedrive(headers: readonly LogHeader[]): readonly LogHeader[] {
  return headers.some(({ key }) => NAMES.has(key)) ? headers.filter(({ key }) => !NAMES.has(key)) : headers;
}

/**
 * The records that redrive a dead letter, for one transaction: the original record for its topic and partition, and the mark
 * for the partition of the dead-letter topic that has the dead letter. The timestamp is the original one, unless half of the
 * retention of the topic has passed since then: the cluster could delete the record before the group has read it. Then it is
 * the present time, and a header has the original one.
 *
 * @throws TypeError if the record is not a dead letter of a record that was kept
 */
export function redriveRecords(
  letter: LogRecord,
  place: { readonly topic: string; readonly partition: number },
  { nowMs, retentionMs }: TopicRetention,
): readonly [original: OutgoingRecord, mark: OutgoingRecord] {
  const origin = readDeadLetter(letter);
  if (!origin || origin.omittedValue || origin.omittedKey || origin.lastOffset !== undefined) {
    throw new TypeError(`${place.topic}/${place.partition}: offset ${letter.offset} has no whole record`);
  }
  const { topic, partition } = origin;
  const originalMs = numberOf(origin.headers, REDRIVE_HEADERS.timestamp) ?? origin.timestampMs;
  const isExpiring = retentionMs >= 0 && nowMs - originalMs > retentionMs / 2;
  const added = redriveHeaders({ ...origin, count: redriveCountOf(origin.headers) + 1 });
  const headers = [
    ...withoutRedrive(origin.headers),
    ...added,
    ...(isExpiring ? [{ key: REDRIVE_HEADERS.timestamp, value: String(originalMs) }] : []),
  ];
  const { key, value } = letter;
  return [
    { topic, partition, key, value, headers, timestampMs: isExpiring ? nowMs : originalMs },
    { ...place, key: null, value: null, headers: added },
  ];
}

/** The headers of a redriven record, and of the mark on the dead-letter topic. */
export function redriveHeaders({ id, groupId, count }: Redrive): OutgoingHeader[] {
  return [
    { key: REDRIVE_HEADERS.id, value: id },
    { key: REDRIVE_HEADERS.group, value: groupId },
    { key: REDRIVE_HEADERS.count, value: String(count) },
  ];
}

/** How often a record with these headers has been redriven. */
export function redriveCountOf(headers: readonly LogHeader[]): number {
  return numberOf(headers, REDRIVE_HEADERS.count) ?? 0;
}

/** Returns the value of the last header with this name, or `undefined` if it is missing or not a number. */
function numberOf(headers: readonly LogHeader[], name: string): number | undefined {
  return toNumber(String(headers.findLast(({ key }) => key === name)?.value ?? ''));
}

function toNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
