import { createHash } from 'node:crypto';
import { headersOf, type LogHeader, type LogRecord, type OutgoingRecord } from '../record/record.js';
import {
  DEAD_LETTER_HEADERS,
  type DeadLetter,
  type DeadLetterBatch,
  type DeadLetterOrigin,
  type DeadLetterRecord,
  type OmittedContent,
} from './dead-letter.js';

/** Maximum length of texts in headers, in bytes. A dead letter should not be much larger than its record. */
const ERROR_BYTES = 1_000;
const ERROR_NAME_BYTES = 100;
const SHORT_ERROR_BYTES = 100;

/** A record for the dead-letter topic. */
export type DeadLetterContent = Omit<OutgoingRecord, 'topic' | 'partition'>;

/**
 * The versions of a dead letter, each smaller than the one before: the first one that the topic accepts is written. The first
 * has the whole record, and headers with its origin and the reason. Then these are shortened; then the value is left out,
 * with its size and hash stated; finally also the key and the record's own headers.
 */
export function* deadLetterVersions(
  letter: DeadLetter,
  nowMs: number,
): Generator<DeadLetterContent, void, void> {
  if (letter.kind === 'record') yield* recordVersions(letter, nowMs);
  else yield* batchVersions(letter, nowMs);
}

/** The origin of a record on a dead-letter topic; `undefined` if it is not a dead letter. */
export function readDeadLetter(record: LogRecord): DeadLetterOrigin | undefined {
  const all = headersOf(record);
  const start = originStart(all);
  if (start < 0) return undefined;
  const origin = new Map(all.slice(start).map(({ key, value }) => [key, String(value ?? '')]));
  const text = (name: string): string => origin.get(name) ?? '';
  const topic = text(DEAD_LETTER_HEADERS.topic);
  const partition = integer(text(DEAD_LETTER_HEADERS.partition));
  const offset = integer(text(DEAD_LETTER_HEADERS.offset));
  if (topic === '' || partition === undefined || offset === undefined) return undefined;
  const groupId = text(DEAD_LETTER_HEADERS.group);
  const sha256 = text(DEAD_LETTER_HEADERS.batchSha256);
  const timestampMs = Number(integer(text(DEAD_LETTER_HEADERS.timestamp)) ?? record.timestampMs);
  const place = { topic, partition: Number(partition), offset, groupId };
  return {
    ...place,
    id: text(DEAD_LETTER_HEADERS.id) || deadLetterId({ ...place, content: sha256 || timestampMs }),
    lastOffset: integer(text(DEAD_LETTER_HEADERS.lastOffset)),
    attempts: Number(integer(text(DEAD_LETTER_HEADERS.attempts)) ?? 0),
    errorName: text(DEAD_LETTER_HEADERS.errorName),
    error: text(DEAD_LETTER_HEADERS.error),
    timestampMs,
    headers: all.slice(0, start),
    omittedValue: omitted(text(DEAD_LETTER_HEADERS.valueBytes), text(DEAD_LETTER_HEADERS.valueSha256)),
    omittedKey: omitted(text(DEAD_LETTER_HEADERS.keyBytes), text(DEAD_LETTER_HEADERS.keySha256)),
  };
}

/**
 * The id of a dead letter. It has the record's timestamp or the batch's hash, so that a record at the same offset of a
 * recreated topic has another one.
 */
function deadLetterId({
  topic,
  partition,
  offset,
  groupId,
  content,
}: {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly groupId: string;
  readonly content: number | string;
}): string {
  return `${topic}/${partition}/${offset}/${groupId}/${content}`;
}

function* recordVersions(letter: DeadLetterRecord, nowMs: number): Generator<DeadLetterContent, void, void> {
  const { topic, partition, groupId, record, reason } = letter;
  const { key, value } = record;
  const own = headersOf(record);
  const id = deadLetterId({ topic, partition, offset: record.offset, groupId, content: record.timestampMs });
  const origin: Header[] = [
    [DEAD_LETTER_HEADERS.id, id],
    [DEAD_LETTER_HEADERS.topic, topic],
    [DEAD_LETTER_HEADERS.partition, partition],
    [DEAD_LETTER_HEADERS.offset, record.offset],
  ];
  const cause = (errorBytes: number): Header[] => [
    [DEAD_LETTER_HEADERS.timestamp, record.timestampMs],
    [DEAD_LETTER_HEADERS.group, groupId],
    [DEAD_LETTER_HEADERS.attempts, letter.attempts],
    [DEAD_LETTER_HEADERS.errorName, truncate(reason.name, ERROR_NAME_BYTES)],
    [DEAD_LETTER_HEADERS.error, truncate(reason.message, errorBytes)],
  ];
  const all = [...origin, ...cause(ERROR_BYTES)];
  const base = { key, value, timestampMs: nowMs };
  yield { ...base, headers: [...own, ...toHeaders(all)] };
  yield { ...base, headers: [...own, ...toHeaders([...origin, ...cause(SHORT_ERROR_BYTES)])] };
  yield { ...base, headers: [...own, ...toHeaders(origin)] };
  const noValue = omission(value, DEAD_LETTER_HEADERS.valueBytes, DEAD_LETTER_HEADERS.valueSha256);
  yield { ...base, value: null, headers: [...own, ...toHeaders([...all, ...noValue])] };
  const noKey = omission(key, DEAD_LETTER_HEADERS.keyBytes, DEAD_LETTER_HEADERS.keySha256);
  yield { ...base, key: null, value: null, headers: toHeaders([...all, ...noValue, ...noKey]) };
}

/** The value of the first version is the batch itself. */
function* batchVersions(batch: DeadLetterBatch, nowMs: number): Generator<DeadLetterContent, void, void> {
  const { topic, partition, baseOffset, lastOffset, groupId, reason, bytes, sha256 } = batch;
  const headers = toHeaders([
    [
      DEAD_LETTER_HEADERS.id,
      deadLetterId({ topic, partition, offset: baseOffset, groupId, content: sha256 }),
    ],
    [DEAD_LETTER_HEADERS.topic, topic],
    [DEAD_LETTER_HEADERS.partition, partition],
    [DEAD_LETTER_HEADERS.offset, baseOffset],
    [DEAD_LETTER_HEADERS.lastOffset, lastOffset],
    [DEAD_LETTER_HEADERS.group, groupId],
    [DEAD_LETTER_HEADERS.errorName, reason.name],
    [DEAD_LETTER_HEADERS.error, truncate(reason.message, ERROR_BYTES)],
    [DEAD_LETTER_HEADERS.batchSha256, sha256],
  ]);
  const withoutBytes = { key: null, value: null, headers, timestampMs: nowMs };
  if (bytes !== null) yield { ...withoutBytes, value: bytes };
  yield withoutBytes;
}

/** Index of the first header that was added: a record that was dead-lettered twice has earlier ones among its own. */
function originStart(headers: readonly LogHeader[]): number {
  const isNamed = (name: string) => headers.findLastIndex(({ key }) => key === name);
  const [idAt, topicAt] = [isNamed(DEAD_LETTER_HEADERS.id), isNamed(DEAD_LETTER_HEADERS.topic)];
  return idAt >= 0 && idAt === topicAt - 1 ? idAt : topicAt;
}

type Header = readonly [key: string, value: string | number | bigint];

function toHeaders(headers: readonly Header[]): LogHeader[] {
  return headers.map(([key, value]) => ({ key, value: Buffer.from(String(value)) }));
}

function omission(bytes: Buffer | null, sizeHeader: string, hashHeader: string): Header[] {
  if (bytes === null) return [];
  return [
    [sizeHeader, bytes.length],
    [hashHeader, createHash('sha256').update(bytes).digest('hex')],
  ];
}

function omitted(sizeBytes: string, sha256: string): OmittedContent | undefined {
  return sizeBytes === '' ? undefined : { sizeBytes: Number(sizeBytes), sha256 };
}

function integer(text: string): bigint | undefined {
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
}

/** Cuts a text to at most `maxBytes` bytes of UTF-8, without splitting a character. */
function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes));
  if (bytes.length <= maxBytes) return bytes.toString();
  let end = maxBytes;
  while (end > 0 && ((bytes[end] as number) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
