import { batchSizeBytes, readBatchHeader, type BatchFields } from '../../src/protocol/record-batch.js';
import { makeRecordBatch, unpackedRecordsOf } from '../../src/protocol/records.js';
import { NO_UUID } from '../../src/protocol/schema.js';
import type { RawClient } from '../broker/raw-client.js';
import { Api, named, only, type Named } from './apis.js';

/** The shortest prefix of a batch that contains its length. */
const PREFIX_BYTES = 12;
const TIMEOUT_MS = 30_000;

interface Produced {
  readonly errorCode: number;
  readonly baseOffset: bigint;
  readonly logAppendTimeMs: bigint;
  readonly logStartOffset: bigint;
  /** Since version 8. */
  readonly recordErrors: readonly { batchIndex: number; message: string | null }[];
  readonly errorMessage: string | null;
}

interface Fetched {
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly logStartOffset: bigint;
  readonly abortedTransactions: { producerId: bigint; firstOffset: bigint }[] | null;
  readonly records: Buffer[] | null;
}

interface ProduceOptions {
  readonly version?: number;
  readonly acks?: number;
  readonly partition?: number;
  readonly transactionalId?: string | null;
}

interface FetchOptions {
  readonly offset?: bigint;
  readonly version?: number;
  readonly partition?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly isolationLevel?: number;
  readonly leaderEpoch?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  /** Identifies the topic in newer versions. */
  readonly topicId?: string;
}

/** A batch of records without keys, with the current time. */
export function batchOf(values: readonly (string | Buffer)[], fields: Partial<BatchFields> = {}): Buffer {
  const entries = values.map((value) => ({ key: null, value: Buffer.from(value as string) }));
  return makeRecordBatch(entries, BigInt(Date.now()), fields);
}

/** A batch of records with keys. */
export function keyedBatchOf(
  entries: readonly (readonly [key: string, value: string | null])[],
  fields: Partial<BatchFields> = {},
): Buffer {
  const records = entries.map(([key, value]) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }));
  return makeRecordBatch(records, BigInt(Date.now()), fields);
}

/** The complete batches in a response. The last batch may be truncated. */
export function batchesIn(records: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let at = 0; at + PREFIX_BYTES <= records.length;) {
    const size = batchSizeBytes(records, at);
    if (at + size > records.length) break;
    batches.push(records.subarray(at, at + size));
    at += size;
  }
  return batches;
}

/** Values in the order of the log, null for a tombstone. Control batches are omitted. */
export function valuesIn(records: Buffer): (string | null)[] {
  return batchesIn(records)
    .filter((batch) => !readBatchHeader(batch).control)
    .flatMap((batch) => unpackedRecordsOf(batch) ?? [])
    .map(({ value }) => value?.toString() ?? null);
}

/** A topic and connections to the leaders of its partitions. */
export class TopicUnderTest {
  constructor(
    readonly name: string,
    private readonly leaders: readonly RawClient[],
  ) {}

  leader(partition = 0): RawClient {
    return (this.leaders[partition] ?? this.leaders[0]) as RawClient;
  }

  /** Body of a Produce request for one partition. */
  produceRequest(
    records: Buffer | null,
    { acks = -1, partition = 0, transactionalId = null }: ProduceOptions = {},
  ) {
    const pieces = records === null ? null : [records];
    return {
      transactionalId,
      acks,
      timeoutMs: TIMEOUT_MS,
      topics: [{ name: this.name, partitions: [{ index: partition, records: pieces }] }],
    };
  }

  async produce(records: Buffer | null, options: ProduceOptions = {}): Promise<Named<Produced>> {
    const body = this.produceRequest(records, options);
    const answer = await this.leader(options.partition).call<{ topics: { partitions: Produced[] }[] }>(
      Api.Produce as number,
      options.version ?? 9,
      body,
    );
    return named(only(only(answer.topics).partitions));
  }

  /**
   * Appends one batch.
   * @returns its base offset
   */
  async append(values: readonly string[], fields: Partial<BatchFields> = {}, partition = 0): Promise<bigint> {
    const { error, baseOffset } = await this.produce(batchOf(values, fields), { partition });
    if (error !== 'NONE') throw new Error(`Produce failed: ${error}`);
    return baseOffset;
  }

  fetchRequest(options: FetchOptions = {}) {
    return {
      replicaId: -1,
      maxWaitMs: options.maxWaitMs ?? 0,
      minBytes: options.minBytes ?? 0,
      maxBytes: options.maxBytes ?? 50 << 20,
      isolationLevel: options.isolationLevel ?? 0,
      sessionId: options.sessionId ?? 0,
      sessionEpoch: options.sessionEpoch ?? -1,
      topics: [
        {
          topic: this.name,
          topicId: options.topicId ?? NO_UUID,
          partitions: [
            {
              partition: options.partition ?? 0,
              currentLeaderEpoch: options.leaderEpoch ?? -1,
              fetchOffset: options.offset ?? 0n,
              lastFetchedEpoch: -1,
              logStartOffset: -1n,
              partitionMaxBytes: options.partitionMaxBytes ?? 10 << 20,
            },
          ],
        },
      ],
      forgottenTopics: [],
      rackId: '',
    };
  }

  async fetch(options: FetchOptions = {}): Promise<Named<Omit<Fetched, 'records'>> & { records: Buffer }> {
    const answer = await this.leader(options.partition).call<{ topics: { partitions: Fetched[] }[] }>(
      Api.Fetch as number,
      options.version ?? 12,
      this.fetchRequest(options),
    );
    const { records, ...rest } = only(only(answer.topics).partitions);
    if (records === null) throw new Error('records is null, which librdkafka treats as an error');
    return { ...named(rest), records: Buffer.concat(records) };
  }

  /** Reads all records. */
  async values(options: FetchOptions = {}): Promise<(string | null)[]> {
    return valuesIn((await this.fetch(options)).records);
  }

  async offsetAt(
    timestamp: bigint,
    options: { version?: number; partition?: number; leaderEpoch?: number; isolationLevel?: number } = {},
  ) {
    const { version = 7, partition = 0, leaderEpoch = -1, isolationLevel = 0 } = options;
    const answer = await this.leader(partition).call<{
      topics: {
        partitions: { errorCode: number; timestamp: bigint; offset: bigint; leaderEpoch: number }[];
      }[];
    }>(Api.ListOffsets as number, version, {
      replicaId: -1,
      isolationLevel,
      topics: [
        {
          name: this.name,
          partitions: [{ partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp }],
        },
      ],
    });
    return named(only(only(answer.topics).partitions));
  }

  async deleteRecords(offset: bigint, { version = 2, partition = 0 } = {}) {
    const answer = await this.leader(partition).call<{
      topics: { partitions: { errorCode: number; lowWatermark: bigint }[] }[];
    }>(Api.DeleteRecords as number, version, {
      topics: [{ name: this.name, partitions: [{ partitionIndex: partition, offset }] }],
      timeoutMs: TIMEOUT_MS,
    });
    return named(only(only(answer.topics).partitions));
  }
}
