import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { createBatchConsumer } from '../../../src/client/index.js';
import { batchLastOffset, readBatchHeader } from '../../../src/protocol/record-batch.js';
import { unpackedRecordsOf } from '../../../src/protocol/records.js';
import type { RawClient } from '../../broker/raw-client.js';
import { batchesOf } from '../../broker/transactional-client.js';
import { BrokenPromiseError } from '../crash/clients.js';
import { until, type Random } from '@hailstream/service/testing';
import type { PartitionModel, SeenRecord } from './model.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const FETCH = 1;
const VERSIONS = [4, 5, 6, 7, 8, 9, 10, 11, 12] as const;
const LIMITS = [0, 1, 200, 1_000, 5_000, 20_000, 100_000, 1 << 20] as const;
const NO_LIMIT = 50 << 20;
const MAX_WAIT_MS = 20;
const CLIENT_TIMEOUT_MS = 60_000;

interface Fetched {
  readonly topics: readonly {
    readonly partitions: readonly {
      readonly partition: number;
      readonly errorCode: number;
      readonly abortedTransactions: readonly { producerId: bigint; firstOffset: bigint }[] | null;
      readonly records: readonly Buffer[] | null;
    }[];
  }[];
}

/** The state of a raw reader for one partition. */
interface Reading {
  readonly model: PartitionModel;
  readonly from: bigint;
  readonly seen: SeenRecord[];
  position: bigint;
}

/**
 * Reads partitions with random fetch versions, limits and orders until no more records are returned, then verifies
 * the result.
 * @param writing whether more records will be written
 */
export async function readRaw(
  client: RawClient,
  models: readonly PartitionModel[],
  { random, committed, writing }: { random: Random; committed: boolean; writing: () => boolean },
): Promise<number> {
  const readings = models.map((model): Reading => {
    const from = random.chance(0.3) ? BigInt(random.below(Number(model.endOffset) + 1)) : 0n;
    return { model, from, seen: [], position: from };
  });
  for (;;) {
    // Queried before the fetch: everything written until then must be in a later response.
    const last = !writing() && random.chance(0.2);
    const limits = last ? { maxBytes: NO_LIMIT, partitionMaxBytes: NO_LIMIT } : randomLimits(random);
    const bytes = await readOnce(client, shuffled(readings, random), { random, committed, last, ...limits });
    if (last && bytes === 0) break;
  }
  for (const { model, seen, from } of readings) {
    model.check(seen, { name: `raw ${committed ? 'committed' : 'uncommitted'}`, from, committed });
  }
  return readings.reduce((sum, { seen }) => sum + seen.length, 0);
}

function randomLimits(random: Random): { maxBytes: number; partitionMaxBytes: number } {
  return { maxBytes: random.pick(LIMITS), partitionMaxBytes: random.pick(LIMITS) };
}

/** @returns the number of bytes in the response */
async function readOnce(
  client: RawClient,
  readings: readonly Reading[],
  options: {
    random: Random;
    committed: boolean;
    last: boolean;
    maxBytes: number;
    partitionMaxBytes: number;
  },
): Promise<number> {
  const { random, committed, last, maxBytes, partitionMaxBytes } = options;
  const answer = await client.call<Fetched>(FETCH, random.pick(VERSIONS), {
    replicaId: -1,
    maxWaitMs: last ? 0 : random.below(MAX_WAIT_MS),
    minBytes: last ? 0 : random.pick(LIMITS),
    maxBytes,
    isolationLevel: committed ? 1 : 0,
    sessionId: 0,
    sessionEpoch: -1,
    forgottenTopics: [],
    rackId: '',
    topics: readings.map(({ model, position }) => ({
      topic: model.topic,
      partitions: [
        {
          partition: model.partition,
          currentLeaderEpoch: -1,
          fetchOffset: position,
          lastFetchedEpoch: -1,
          logStartOffset: -1n,
          partitionMaxBytes,
        },
      ],
    })),
  });
  let bytes = 0;
  answer.topics.forEach(({ partitions }, i) => {
    const reading = readings[i] as Reading;
    const [found] = partitions;
    if (found?.errorCode !== 0 || found.partition !== reading.model.partition) {
      throw new BrokenPromiseError(`fetch at ${reading.position} returned error ${found?.errorCode}`);
    }
    const records = Buffer.concat([...(found.records ?? [])]);
    bytes += records.length;
    take(reading, records, committed ? (found.abortedTransactions ?? []) : []);
  });
  return bytes;
}

/** Accepts records as Kafka's consumer does: by complete batches, without those of aborted transactions. */
function take(
  reading: Reading,
  records: Buffer,
  abortedTransactions: readonly { producerId: bigint; firstOffset: bigint }[],
): void {
  const ahead = abortedTransactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborted = new Set<bigint>();
  for (const batch of batchesOf(records)) {
    const header = readBatchHeader(batch);
    for (let next = ahead[0]; next !== undefined && next.firstOffset <= header.lastOffset; next = ahead[0]) {
      aborted.add(next.producerId);
      ahead.shift();
    }
    if (header.control) aborted.delete(header.producerId);
    else if (!header.transactional || !aborted.has(header.producerId)) {
      for (const { offsetDelta, key, value } of unpackedRecordsOf(batch) ?? []) {
        const offset = header.baseOffset + BigInt(offsetDelta);
        if (offset < reading.position) continue;
        reading.seen.push({ offset, key: key?.toString() ?? null, value: value?.toString() ?? null });
      }
    }
    const next = batchLastOffset(batch) + 1n;
    if (next > reading.position) reading.position = next;
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.fraction() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** Records by partition, as a client returns them. */
class Collected {
  private readonly seen = new Map<string, SeenRecord[]>();
  count = 0;

  add(topic: string, partition: number, record: SeenRecord): void {
    const name = partitionName(topic, partition);
    const records = this.seen.get(name) ?? [];
    this.seen.set(name, records);
    records.push(record);
    this.count++;
  }

  /**
   * Waits for all expected records, then verifies them.
   * @throws BrokenPromiseError if a record is wrong, repeated or missing
   */
  async check(
    models: readonly PartitionModel[],
    reader: { name: string; committed: boolean },
  ): Promise<number> {
    const check = () => {
      for (const model of models) {
        const seen = this.seen.get(partitionName(model.topic, model.partition)) ?? [];
        model.check(seen, { ...reader, from: 0n });
      }
    };
    const complete = () => {
      try {
        check();
        return true;
      } catch {
        return false;
      }
    };
    await until(complete, { timeoutMs: CLIENT_TIMEOUT_MS }).catch(check);
    return this.count;
  }
}

/**
 * Reads topics that are not compacted with kafkajs and small limits, including uncommitted records. kafkajs reads the
 * others incorrectly from any log: of two aborted transactions that began before its first record it skips only one
 * (`filterAbortedMessages`), and it does not advance past a batch that compaction has emptied.
 */
export async function readKafkajs(
  address: string,
  all: readonly PartitionModel[],
  random: Random,
): Promise<number> {
  const models = all.filter(({ compacted }) => !compacted);
  if (models.length === 0) return 0;
  const kafka = new Kafka({ brokers: [address], clientId: 'proof', logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({
    groupId: randomUUID(),
    readUncommitted: true,
    maxBytesPerPartition: 1 + random.pick(LIMITS),
    maxBytes: 1 + random.pick(LIMITS),
    maxWaitTimeInMs: MAX_WAIT_MS,
  });
  const collected = new Collected();
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...new Set(models.map(({ topic }) => topic))], fromBeginning: true });
    await consumer.run({
      eachBatchAutoResolve: true,
      eachBatch: async ({ batch }) => {
        for (const { offset, key, value } of batch.messages) {
          collected.add(batch.topic, batch.partition, {
            offset: BigInt(offset),
            key: key?.toString() ?? null,
            value: value?.toString() ?? null,
          });
        }
      },
    });
    return await collected.check(models, { name: 'kafkajs', committed: false });
  } finally {
    await consumer.disconnect();
  }
}

/** Reads the same topics with this library's consumer, read-committed. */
export async function readOwn(
  address: string,
  models: readonly PartitionModel[],
  random: Random,
): Promise<number> {
  const collected = new Collected();
  await using consumer = createBatchConsumer({
    connection: { brokers: [address], clientId: 'proof' },
    logger: pino({ level: 'silent' }),
    groupId: randomUUID(),
    topics: [...new Set(models.map(({ topic }) => topic))],
    offsets: { kind: 'committed', startAt: 'earliest' },
    maxPartitionBytes: 1_000 + random.pick(LIMITS),
    handler: async ({ topic, partition, records }) => {
      for (const { offset, key, value } of records) {
        collected.add(topic, partition, {
          offset,
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
        });
      }
    },
  });
  await consumer.start();
  return await collected.check(models, { name: 'consumer', committed: true });
}
