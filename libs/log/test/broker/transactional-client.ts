import { ErrorCode, nameOf } from '../../src/protocol/error-codes.js';
import type { AbortedTransaction } from '../../src/broker/storage/producers/open-transactions.js';
import { makeRecordBatch, recordsOf } from '../../src/protocol/records.js';
import { batchSizeBytes, readBatchHeader } from '../../src/protocol/record-batch.js';
import { RawClient } from './raw-client.js';
import { partitionName } from '../../src/protocol/topic-partition.js';

const TRANSACTIONAL = 0x10;
const MAX_BYTES = 1 << 20;
/** Kafka creates its internal topics on first use, and may write markers after it has responded. */
const SOON_OVER: readonly number[] = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
];
const RETRIES = 200;
const RETRY_MS = 20;

/** A producer's id, epoch and sequence numbers. */
export interface Producer {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Transactional requests. Each returns the name of its error code. */
export class TransactionalClient {
  /** `sequences`: next sequence numbers of the producers, if it continues the work of another client. */
  constructor(
    readonly raw: RawClient,
    private readonly sequences = new Map<string, number>(),
  ) {}

  static async connect(port: number): Promise<TransactionalClient> {
    return new TransactionalClient(await RawClient.connect(port));
  }

  /** Returns a client that continues on another connection. */
  async again(port: number): Promise<TransactionalClient> {
    return new TransactionalClient(await RawClient.connect(port), this.sequences);
  }

  /** Repeats the request while the error is temporary. */
  async patiently<T extends { error: string }>(ask: () => Promise<T>): Promise<T> {
    const soonOver = SOON_OVER.map(nameOf);
    for (let i = 0; ; i++) {
      const answer = await ask();
      if (i === RETRIES || !soonOver.includes(answer.error)) return answer;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /** Looks up the coordinator, so that Kafka creates its internal topic. */
  async locate(keyType: 'group' | 'transaction', key: string): Promise<{ error: string }> {
    const { errorCode } = await this.raw.call<{ errorCode: number }>(10, 3, {
      key,
      keyType: keyType === 'group' ? 0 : 1,
      coordinatorKeys: [],
    });
    return { error: nameOf(errorCode) };
  }

  async init(
    transactionalId: string,
    options: { timeoutMs?: number; version?: number; producerId?: bigint; producerEpoch?: number } = {},
  ): Promise<Producer & { error: string }> {
    const { timeoutMs = 60_000, version = 4, producerId = -1n, producerEpoch = -1 } = options;
    const answer = await this.raw.call<{ errorCode: number; producerId: bigint; producerEpoch: number }>(
      22,
      version,
      { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch },
    );
    return { ...answer, transactionalId, error: nameOf(answer.errorCode) };
  }

  /**
   * Initializes a producer.
   * @throws Error if InitProducerId fails
   */
  async begin(transactionalId: string, timeoutMs?: number): Promise<Producer> {
    const producer = await this.patiently(() =>
      this.init(transactionalId, timeoutMs === undefined ? {} : { timeoutMs }),
    );
    if (producer.error !== 'NONE') throw new Error(producer.error);
    return producer;
  }

  /** @returns the first partition's error, and all errors in alphabetical order */
  async add(
    producer: Producer,
    topic: string,
    partitions: readonly number[],
    version = 3,
  ): Promise<{ error: string; errors: string[] }> {
    const { resultsByTopic } = await this.raw.call<{
      resultsByTopic: { resultsByPartition: { partitionErrorCode: number }[] }[];
    }>(24, version, { ...producer, topics: [{ name: topic, partitions }] });
    const errors = resultsByTopic.flatMap((each) =>
      each.resultsByPartition.map(({ partitionErrorCode }) => nameOf(partitionErrorCode)),
    );
    return { error: errors[0] ?? 'NONE', errors: errors.sort() };
  }

  async addOffsets(producer: Producer, groupId: string, version = 3): Promise<{ error: string }> {
    const { errorCode } = await this.raw.call<{ errorCode: number }>(25, version, { ...producer, groupId });
    return { error: nameOf(errorCode) };
  }

  async end(producer: Producer, outcome: 'commit' | 'abort', version = 3): Promise<{ error: string }> {
    const { errorCode } = await this.raw.call<{ errorCode: number }>(26, version, {
      ...producer,
      committed: outcome === 'commit',
    });
    return { error: nameOf(errorCode) };
  }

  async commitOffsets(
    producer: Producer,
    group: { groupId: string; generationId?: number; memberId?: string; groupInstanceId?: string | null },
    offsets: readonly { topic: string; partition: number; offset: bigint; metadata?: string }[],
    version = 3,
  ): Promise<{ error: string; errors: string[] }> {
    const { topics } = await this.raw.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
      28,
      version,
      {
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        ...producer,
        ...group,
        topics: offsets.map(({ topic, partition, offset, metadata = '' }) => ({
          name: topic,
          partitions: [
            {
              partitionIndex: partition,
              committedOffset: offset,
              committedLeaderEpoch: -1,
              committedMetadata: metadata,
            },
          ],
        })),
      },
    );
    const errors = topics.flatMap((each) => each.partitions.map(({ errorCode }) => nameOf(errorCode)));
    return { error: errors[0] ?? 'NONE', errors };
  }

  /** The committed offset, or the name of the error. */
  async committed(groupId: string, topic: string, partition: number, requireStable = true): Promise<string> {
    const { groups } = await this.raw.call<{
      groups: { topics: { partitions: { committedOffset: bigint; errorCode: number }[] }[] }[];
    }>(9, 8, {
      groupId,
      topics: [],
      groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [partition] }] }],
      requireStable,
    });
    const answer = groups[0]?.topics[0]?.partitions[0];
    if (answer === undefined) return 'nothing';
    return answer.errorCode === 0 ? String(answer.committedOffset) : nameOf(answer.errorCode);
  }

  /** Sends one batch of values in the transaction, by default with the producer's next sequence number. */
  async produce(
    producer: Producer,
    topic: string,
    partition: number,
    values: readonly string[],
    change: {
      sequence?: number;
      transactional?: boolean;
      key?: string;
      transactionalId?: string | null;
    } = {},
  ): Promise<{ error: string; baseOffset: bigint }> {
    const { producerId, producerEpoch } = producer;
    const name = `${producerId} ${producerEpoch} ${partitionName(topic, partition)}`;
    const baseSequence = change.sequence ?? this.sequences.get(name) ?? 0;
    const key = change.key === undefined ? null : Buffer.from(change.key);
    const batch = makeRecordBatch(
      values.map((value) => ({ key, value: Buffer.from(value) })),
      BigInt(Date.now()),
      {
        producerId,
        producerEpoch,
        baseSequence,
        attributes: change.transactional === false ? 0 : TRANSACTIONAL,
      },
    );
    const { topics } = await this.raw.call<{
      topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
    }>(0, 9, {
      transactionalId:
        change.transactionalId === undefined ? producer.transactionalId : change.transactionalId,
      acks: -1,
      timeoutMs: 10_000,
      topics: [{ name: topic, partitions: [{ index: partition, records: [batch] }] }],
    });
    const answer = topics[0]?.partitions[0];
    if (answer === undefined) throw new Error('no response for the partition');
    if (answer.errorCode === 0) this.sequences.set(name, baseSequence + values.length);
    return { error: nameOf(answer.errorCode), baseOffset: answer.baseOffset };
  }

  async fetch(topic: string, partition: number, fetchOffset: bigint, level: 'committed' | 'uncommitted') {
    const answer = await this.raw.call<{
      topics: {
        partitions: {
          errorCode: number;
          highWatermark: bigint;
          lastStableOffset: bigint;
          abortedTransactions: Pick<AbortedTransaction, 'producerId' | 'firstOffset'>[] | null;
          records: readonly Buffer[] | null;
        }[];
      }[];
    }>(1, 12, {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: MAX_BYTES,
      isolationLevel: level === 'committed' ? 1 : 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset,
              lastFetchedEpoch: -1,
              logStartOffset: -1n,
              partitionMaxBytes: MAX_BYTES,
            },
          ],
        },
      ],
      forgottenTopics: [],
      rackId: '',
    });
    const found = answer.topics[0]?.partitions[0];
    if (found === undefined) throw new Error('no response for the partition');
    return { ...found, records: Buffer.concat([...(found.records ?? [])]) };
  }

  /** Values that a reader sees from an offset on, without aborted records. */
  async read(
    topic: string,
    partition: number,
    level: 'committed' | 'uncommitted',
    from = 0n,
  ): Promise<string[]> {
    const values: string[] = [];
    for (let offset = from; ;) {
      const { records, abortedTransactions } = await this.fetch(topic, partition, offset, level);
      if (records.length === 0) return values;
      const ahead = (abortedTransactions ?? []).toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
      const aborted = new Set<bigint>();
      for (const batch of batchesOf(records)) {
        const header = readBatchHeader(batch);
        while (ahead[0] !== undefined && ahead[0].firstOffset <= header.lastOffset) {
          aborted.add((ahead.shift() as { producerId: bigint }).producerId);
        }
        if (header.control) aborted.delete(header.producerId);
        else if (!header.transactional || !aborted.has(header.producerId)) {
          for (const record of recordsOf(batch)) {
            if (header.baseOffset + BigInt(record.offsetDelta) >= offset) values.push(String(record.value));
          }
        }
        offset = header.lastOffset + 1n > offset ? header.lastOffset + 1n : offset;
      }
    }
  }

  async endOffset(topic: string, partition: number, level: 'committed' | 'uncommitted'): Promise<bigint> {
    const { topics } = await this.raw.call<{ topics: { partitions: { offset: bigint }[] }[] }>(2, 7, {
      replicaId: -1,
      isolationLevel: level === 'committed' ? 1 : 0,
      topics: [
        { name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: -1n }] },
      ],
    });
    return topics[0]?.partitions[0]?.offset ?? -1n;
  }

  async createTopic(
    name: string,
    numPartitions: number,
    configs: Record<string, string> = {},
  ): Promise<void> {
    const { topics } = await this.raw.call<{ topics: { errorCode: number }[] }>(19, 7, {
      topics: [
        {
          name,
          numPartitions,
          replicationFactor: 1,
          assignments: [],
          configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
        },
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    if (topics[0]?.errorCode !== 0) throw new Error(`topic ${name}: ${nameOf(topics[0]?.errorCode ?? -1)}`);
  }

  /** State and epoch of a transactional id from DescribeTransactions. */
  async describe(transactionalId: string): Promise<{ error: string; state: string; producerEpoch: number }> {
    const { transactionStates } = await this.raw.call<{
      transactionStates: { errorCode: number; transactionState: string; producerEpoch: number }[];
    }>(65, 0, { transactionalIds: [transactionalId] });
    const found = transactionStates[0];
    if (found === undefined) throw new Error('no response for the transactional id');
    const { errorCode, transactionState, producerEpoch } = found;
    return { error: nameOf(errorCode), state: transactionState, producerEpoch };
  }

  [Symbol.dispose](): void {
    this.raw[Symbol.dispose]();
  }
}

export function* batchesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
    yield bytes.subarray(at, at + batchSizeBytes(bytes, at));
  }
}
