import { gunzipSync } from 'node:zlib';
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { deadLetterTopic, eventRegistry } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { until } from '@hailstream/service/testing';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import { Kafka, logLevel } from 'kafkajs';
import type { TestS3Server } from '../../_s3-server.js';
import { connectionTo, silent } from '../../_util.js';
import { identityOf, type RandomLog } from './random-log.js';

interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The records of the log and the dead letters, as a consumer that is not the router's reads them. */
interface ReadLog {
  readonly records: readonly ReadRecord[];
  readonly deadLetters: readonly ReadRecord[];
}

/** Reads the log with kafkajs, committed records only. @throws Error if they are not those that were appended */
export async function readLog(broker: { readonly address: string }, log: RandomLog): Promise<ReadLog> {
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const deadLetterEnds = await admin.fetchTopicOffsets(deadLetterTopic.name);
  await admin.disconnect();
  const expectedLetters = deadLetterEnds.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
  const expectedRecords = [...log.expected.values()].reduce((sum, { length }) => sum + length, 0);
  const records: ReadRecord[] = [];
  const deadLetters: ReadRecord[] = [];
  const consumer = kafka.consumer({ groupId: 'audit', readUncommitted: false });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...log.topics, deadLetterTopic.name], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ topic, partition, message: { offset, timestamp, key, value, headers = {} } }) => {
        const texts = Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, String(each)]));
        const record = { topic, partition, offset, timestamp, key, value, headers: texts };
        (topic === deadLetterTopic.name ? deadLetters : records).push(record);
        return Promise.resolve();
      },
    });
    await until(() => records.length >= expectedRecords && deadLetters.length >= expectedLetters, {
      timeoutMs: 60_000,
    });
  } finally {
    await consumer.disconnect();
  }
  for (const [place, expected] of log.expected) {
    const read = records.filter(({ topic, partition }) => `${topic}/${partition}` === place).map(identityOf);
    if (!isDeepStrictEqual(read, expected))
      throw new Error(`${place}: kafkajs reads other records than were appended`);
  }
  if (records.length !== expectedRecords) throw new Error('kafkajs reads records that were not appended');
  return { records, deadLetters };
}

/** @throws Error if the buckets have different objects */
export function requireSameObjects(found: TestS3Server, expected: TestS3Server): void {
  for (const [key, { bytes }] of expected.objects) {
    const object = found.objects.get(key);
    if (object === undefined) throw new Error(`${key} is missing`);
    if (!object.bytes.equals(bytes)) throw new Error(`${key} has other bytes than after an undisturbed run`);
  }
  for (const key of found.objects.keys()) {
    if (!expected.objects.has(key)) throw new Error(`${key} does not exist after an undisturbed run`);
  }
}

/** @throws Error if a valid record is not in exactly one object, or an unreadable one is not a dead letter */
export async function requireEachRecordOnce(
  { records, deadLetters }: ReadLog,
  {
    objects,
    partitionBy,
    groupId,
  }: {
    readonly objects: TestS3Server['objects'];
    readonly partitionBy: 'event-time' | 'received-time';
    readonly groupId: string;
  },
): Promise<void> {
  const stored = await storedRecords(objects);
  const unreadable: string[] = [];
  for (const record of records) {
    const place = `${record.topic}/${record.partition}/${record.offset}`;
    const event = parse(record, partitionBy);
    if (event === undefined) unreadable.push(place);
    else if (!stored.get(place)?.(event, Number(record.timestamp)))
      throw new Error(`${place} is not stored as it is in the log`);
    else stored.delete(place);
  }
  if (stored.size > 0) throw new Error(`the log does not have ${[...stored.keys()].join(', ')}`);
  const letters = new Set<string>();
  for (const { headers } of deadLetters) {
    if (headers['dead-letter-group'] !== groupId) continue;
    const {
      'dead-letter-topic': topic,
      'dead-letter-partition': partition,
      'dead-letter-offset': offset,
    } = headers;
    letters.add(`${topic}/${partition}/${offset}`);
  }
  if (!isDeepStrictEqual([...letters].toSorted(), unreadable.toSorted()))
    throw new Error(`dead letters: expected ${unreadable.join(', ')}, found ${[...letters].join(', ')}`);
}

/** @throws Error if the group has not committed the ends of all partitions that have records */
export async function requireCommittedEnds(
  broker: { readonly address: string },
  groupId: string,
  topics: readonly string[],
): Promise<void> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  for (const topic of topics) {
    const committed = await admin.committed(groupId, topic);
    for (const [partition, { earliest, latest }] of await admin.offsets(topic, {
      isolation: 'read_committed',
    })) {
      const position = committed.get(partition) ?? earliest;
      if (position !== latest)
        throw new Error(`${topic}/${partition}: committed ${position}, the end is ${latest}`);
    }
  }
}

/** Whether a stored record is this event, received at this time. */
type StoredRecord = (event: Readonly<Record<string, unknown>>, receivedMs: number) => boolean;

/** The records in the objects by topic, partition and offset. @throws Error if a record is stored twice */
async function storedRecords(objects: TestS3Server['objects']): Promise<Map<string, StoredRecord>> {
  const stored = new Map<string, StoredRecord>();
  for (const [key, { bytes }] of objects) {
    const [, topic, extension] = /topic=([^/]+)\/.*\.(ndjson\.gz|parquet)$/.exec(key) ?? [];
    if (topic === undefined) continue;
    const records = extension === 'parquet' ? await parquetRecords(topic, bytes) : ndjsonRecords(key, bytes);
    for (const [place, record] of records) {
      if (stored.has(`${topic}/${place}`)) throw new Error(`${topic}/${place} is stored twice`);
      stored.set(`${topic}/${place}`, record);
    }
  }
  return stored;
}

function ndjsonRecords(key: string, bytes: Buffer): [string, StoredRecord][] {
  const text = gunzipSync(bytes).toString('utf8');
  if (!text.endsWith('\n')) throw new Error(`${key} does not end with a line feed`);
  const lines = text.slice(0, -1).split('\n');
  return lines.map((line) => {
    const { _partition, _offset, ...stored } = JSON.parse(line) as { _partition: number; _offset: number };
    return [
      `${_partition}/${_offset}`,
      (event, receivedMs) => isDeepStrictEqual(stored, { ...event, _received_at: receivedMs }),
    ];
  });
}

/** Id and time have columns; fields that the examples of the family do not have are in `_unknown`. */
async function parquetRecords(topic: string, bytes: Buffer): Promise<[string, StoredRecord][]> {
  const { fields, example } = eventRegistry.byTopic.get(topic)!;
  const rows = await parquetReadObjects({
    file: new Uint8Array(bytes).buffer,
    compressors: { ZSTD: (input, outputLength) => decompress(input, new Uint8Array(outputLength)) },
  });
  return rows.map(({ _partition, _offset, _received_at, _unknown, [fields.id]: id, [fields.time]: time }) => [
    `${_partition}/${_offset}`,
    (event, receivedMs) => {
      const unknown = Object.entries(event).filter(([name]) => !(name in example));
      const expected = {
        id: event[fields.id] ?? null,
        timeMs: event[fields.time] ?? null,
        receivedMs,
        unknown: unknown.length === 0 ? null : Object.fromEntries(unknown),
      };
      const found = {
        id: id ?? null,
        timeMs: (time as Date | null | undefined)?.getTime() ?? null,
        receivedMs: (_received_at as Date).getTime(),
        unknown: _unknown ?? null,
      };
      return isDeepStrictEqual(found, expected);
    },
  ]);
}

/** The event of a record; `undefined` if it has to be a dead letter. */
function parse(
  { topic, value }: ReadRecord,
  partitionBy: string,
): Readonly<Record<string, unknown>> | undefined {
  if (value === null || !isUtf8(value)) return undefined;
  let event: unknown;
  try {
    event = JSON.parse(value.toString('utf8'));
  } catch {
    return undefined;
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
  const field = eventRegistry.byTopic.get(topic)?.fields.time;
  if (partitionBy === 'event-time' && field !== undefined && !(field in event)) return undefined;
  return event as Readonly<Record<string, unknown>>;
}
