import * as fs from 'node:fs/promises';
import { until } from '@hailstream/service/testing';
import { readBatchHeader } from '../../../src/protocol/record-batch.js';
import { recordsOf } from '../../../src/protocol/records.js';
import type { RawClient } from '../../broker/raw-client.js';
import { BrokenPromiseError, type Committer, type IdempotentProducer } from './clients.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const FETCH = 1;
const LIST_OFFSETS = 2;
const OFFSET_FETCH = 9;
const EARLIEST = -2n;
const MAX_BYTES = 10 << 20;
const OFFSET_OUT_OF_RANGE = 1;
/** Attempts to read a partition whose start keeps moving. */
const READ_ATTEMPTS = 10;
const OUT_OF_ORDER_SEQUENCE_NUMBER = 45;
const LEFTOVERS = /(\.(tmp|cleaned|deleted)|-delete|-stray)$/;

/** The cleanup policy of a topic. */
export type CleanupPolicy = 'none' | 'delete' | 'compact';

interface Record {
  readonly offset: bigint;
  readonly key: string;
  readonly value: string;
}

/** @throws BrokenPromiseError */
export function require(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new BrokenPromiseError(otherwise);
}

/** Everything that a partition serves, from its new start if retention has moved it. */
async function readPartition(
  client: RawClient,
  topic: string,
  partition: number,
): Promise<{ start: bigint; records: Record[] }> {
  for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
    const read = await tryToRead(client, topic, partition);
    if (read !== undefined) return read;
  }
  throw new BrokenPromiseError(`the start of ${partitionName(topic, partition)} moves on every read`);
}

/** @returns undefined if the start has moved during the read */
async function tryToRead(
  client: RawClient,
  topic: string,
  partition: number,
): Promise<{ start: bigint; records: Record[] } | undefined> {
  const listed = await client.call<{ topics: { partitions: { offset: bigint }[] }[] }>(LIST_OFFSETS, 3, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: EARLIEST }] }],
  });
  const start = listed.topics[0]?.partitions[0]?.offset ?? 0n;
  const records: Record[] = [];
  for (let offset = start; ;) {
    const fetched = await fetch(client, { topic, partition, offset });
    if (fetched === undefined) return undefined;
    const { bytes, end } = fetched;
    for (let at = 0; at < bytes.length;) {
      const header = readBatchHeader(bytes, at);
      for (const { offsetDelta, key, value } of recordsOf(bytes.subarray(at, at + header.sizeBytes))) {
        const place = header.baseOffset + BigInt(offsetDelta);
        if (place >= start) records.push({ offset: place, key: String(key), value: String(value) });
      }
      offset = header.lastOffset + 1n;
      at += header.sizeBytes;
    }
    if (offset >= end || bytes.length === 0) return { start, records };
  }
}

async function fetch(
  client: RawClient,
  { topic, partition, offset }: { topic: string; partition: number; offset: bigint },
): Promise<{ bytes: Buffer; end: bigint } | undefined> {
  const fetched = { partition, fetchOffset: offset, partitionMaxBytes: MAX_BYTES };
  const { topics } = await client.call<{
    topics: { partitions: { errorCode: number; highWatermark: bigint; records: Buffer[] | null }[] }[];
  }>(FETCH, 4, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: MAX_BYTES,
    isolationLevel: 0,
    topics: [{ topic, partitions: [fetched] }],
  });
  const [found] = topics[0]?.partitions ?? [];
  if (found?.errorCode === OFFSET_OUT_OF_RANGE) return undefined;
  require(found?.errorCode ===
    0, `${partitionName(topic, partition)} at ${offset}: error ${found?.errorCode}`);
  return { bytes: Buffer.concat(found.records ?? []), end: found.highWatermark };
}

/**
 * Verifies that a partition has every acknowledged record once and in order.
 * @throws BrokenPromiseError if it does not
 */
export async function checkPartition(
  client: RawClient,
  producers: readonly IdempotentProducer[],
  cleanupPolicy: CleanupPolicy,
): Promise<void> {
  const [{ topic, partition } = { topic: '', partition: 0 }] = producers;
  const { start, records } = await readPartition(client, topic, partition);
  const where = partitionName(topic, partition);
  let previous = -1n;
  for (const { offset } of records) {
    const next = cleanupPolicy === 'compact' ? offset > previous : previous < 0n || offset === previous + 1n;
    require(next, `${where} has offset ${offset} after ${previous}`);
    previous = offset;
  }
  require(cleanupPolicy === 'delete' || start === 0n, `${where} starts at ${start}`);
  for (const producer of producers) {
    const ownRecords = records.filter(({ value }) => value.startsWith(`${producer.name}/`));
    checkOrder(where, producer.name, ownRecords, cleanupPolicy);
    if (cleanupPolicy === 'compact') checkNewest(where, producer, ownRecords);
    else checkAcknowledged(where, producer, ownRecords, start);
  }
}

function checkOrder(
  where: string,
  name: string,
  records: readonly Record[],
  cleanupPolicy: CleanupPolicy,
): void {
  let last = -1;
  for (const { value, offset } of records) {
    const sequence = Number(value.split('/')[1]);
    const first = last < 0 && cleanupPolicy !== 'none';
    const inOrder = first || (cleanupPolicy === 'compact' ? sequence > last : sequence === last + 1);
    require(inOrder, `${where} has ${sequence} of ${name} at ${offset} after ${last}`);
    last = sequence;
  }
}

function checkAcknowledged(
  where: string,
  producer: IdempotentProducer,
  records: readonly Record[],
  start: bigint,
): void {
  const found = new Map(records.map((record) => [record.offset, record.value]));
  for (const { records: sent, baseOffset = 0n } of producer.acknowledged) {
    sent.forEach(({ value }, i) => {
      const offset = baseOffset + BigInt(i);
      const has = offset < start || found.get(offset) === value;
      require(has, `${where} has ${found.get(offset)} at ${offset}, but ${value} was acknowledged there`);
    });
  }
}

function checkNewest(where: string, producer: IdempotentProducer, records: readonly Record[]): void {
  const newest = new Map<string, bigint>();
  for (const { records: sent, baseOffset = 0n } of producer.acknowledged) {
    sent.forEach(({ key }, i) => newest.set(key, baseOffset + BigInt(i)));
  }
  for (const [key, offset] of newest) {
    const has = records.findLast((record) => record.key === key)?.offset ?? -1n;
    require(has >= offset, `${where} has ${key} at ${has}, not at ${offset}`);
  }
}

/**
 * Verifies that repeated batches are recognized and gaps refused.
 * @throws BrokenPromiseError if they are not
 */
export async function checkProducer(client: RawClient, producer: IdempotentProducer): Promise<void> {
  const last = producer.acknowledged.at(-1);
  if (last === undefined) return;
  const where = `${producer.name} to ${partitionName(producer.topic, producer.partition)}`;
  const repeat = await producer.send(client, last);
  const known = repeat.errorCode === 0 && repeat.baseOffset === last.baseOffset;
  // A batch that was stored but not acknowledged may follow it. The broker remembers five batches.
  require(known, `${where}: repeating ${last.firstSequence} returned error ${repeat.errorCode}, offset ${repeat.baseOffset}`);
  const gap = await producer.send(client, producer.batchWithGap());
  require(gap.errorCode === OUT_OF_ORDER_SEQUENCE_NUMBER, `${where}: a gap returned error ${gap.errorCode}`);
}

/**
 * Verifies that a group's offset has not decreased.
 * @throws BrokenPromiseError if it has
 */
export async function checkCommitted(client: RawClient, committer: Committer): Promise<void> {
  const { group, topic, committed, attempted } = committer;
  const { topics } = await client.call<{ topics: { partitions: { committedOffset: bigint }[] }[] }>(
    OFFSET_FETCH,
    5,
    { groupId: group, topics: [{ name: topic, partitionIndexes: [0] }] },
  );
  const found = topics[0]?.partitions[0]?.committedOffset ?? -1n;
  const none = found === -1n && committed === 0n;
  require(none || (found >= committed && found <= attempted), `${group} is at ${found}, not at ${committed}`);
  if (found > committed) committer.committed = found;
}

/** Verifies that no file without a topic remains. Pending deletions are awaited. */
export async function checkNoLeftovers(dataDir: string, topics: ReadonlyMap<string, number>): Promise<void> {
  const folders = new Set(
    [...topics].flatMap(([name, count]) => Array.from({ length: count }, (_, i) => `${name}-${i}`)),
  );
  let leftovers: string[] = [];
  await until(async () => {
    const all = await fs.readdir(dataDir, { recursive: true });
    leftovers = all.filter(
      (name) => LEFTOVERS.test(name) || (/^[^/]+-\d+$/.test(name) && !folders.has(name)),
    );
    return leftovers.length === 0;
  }).catch(() => undefined);
  require(leftovers.length === 0, `left-over files: ${leftovers.join(', ')}`);
}
