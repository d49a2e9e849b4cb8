import { answerIn, ConnectionEndedError, RawClient, request } from '../../broker/raw-client.js';
import { makeRecordBatch } from '../../../src/protocol/records.js';
import type { Random } from '@hailstream/service/testing';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const Api = {
  PRODUCE: 0,
  OFFSET_COMMIT: 8,
  JOIN_GROUP: 11,
  HEARTBEAT: 12,
  SYNC_GROUP: 14,
  INIT_PRODUCER_ID: 22,
} as const;
const PRODUCE_VERSION = 7;
/**
 * One less than the broker allows per idempotent producer, so that the last acknowledged batch is always among the
 * last five.
 */
const MAX_IN_FLIGHT = 4;
const MAX_RECORDS = 4;
const KEYS = 5;
const MAX_VALUE_BYTES = 200;
/** Errors of a group that no longer knows the member or its generation. */
const JOIN_AGAIN = new Set([22, 25, 27]);
const TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 1000;

/** The broker broke a guarantee, or refused a valid request. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** The work of a client on one connection. */
export interface Client {
  /**
   * Works until the connection ends, and reports each response.
   * @throws BrokenPromiseError if a guarantee is broken
   */
  work(port: number, onAnswer: () => void): Promise<void>;
}

/** Runs the work on a connection until the proof kills the broker. */
export async function untilCutOff(port: number, work: (client: RawClient) => Promise<void>): Promise<void> {
  try {
    using client = await RawClient.connect(port);
    await work(client);
  } catch (error) {
    const cutOff = error instanceof ConnectionEndedError || isRefused(error);
    if (!cutOff) throw error;
  }
}

function isRefused(error: unknown): boolean {
  return ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(String((error as NodeJS.ErrnoException).code));
}

/** A batch and, after the acknowledgement, its offset. */
interface SentBatch {
  readonly firstSequence: number;
  readonly records: readonly { readonly key: string; readonly value: string }[];
  baseOffset?: bigint;
}

interface Produced {
  readonly topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
}

/**
 * An idempotent producer for one partition with several requests in flight. It repeats batches that were not
 * acknowledged.
 */
export class IdempotentProducer implements Client {
  producerId = -1n;
  readonly batches: SentBatch[] = [];
  private nextSequence = 0;

  constructor(
    readonly name: string,
    readonly topic: string,
    readonly partition: number,
    private readonly random: Random,
  ) {}

  get acknowledged(): SentBatch[] {
    return this.batches.filter((batch) => batch.baseOffset !== undefined);
  }

  async work(port: number, onAnswer: () => void): Promise<void> {
    await untilCutOff(port, async (client) => {
      if (this.producerId < 0n) this.producerId = await takeProducerId(client);
      const waiting = this.batches.filter((batch) => batch.baseOffset === undefined);
      for (;;) {
        while (waiting.length < MAX_IN_FLIGHT) waiting.push(this.makeBatch());
        const sent = waiting.splice(0, 1 + this.random.below(MAX_IN_FLIGHT));
        sent.forEach((batch, i) =>
          client.send(request(Api.PRODUCE, PRODUCE_VERSION, i, this.requestOf(batch))),
        );
        for (const [i, batch] of sent.entries()) {
          batch.baseOffset = this.baseOffsetIn(await client.frame(), i, batch);
          onAnswer();
        }
      }
    });
  }

  /** Repeats a batch, or sends one with a wrong sequence number. */
  async send(client: RawClient, batch: SentBatch): Promise<{ errorCode: number; baseOffset: bigint }> {
    const answer = await client.call<Produced>(Api.PRODUCE, PRODUCE_VERSION, this.requestOf(batch));
    return answer.topics[0]?.partitions[0] ?? { errorCode: -1, baseOffset: -1n };
  }

  /** A batch that skips the next sequence number. */
  batchWithGap(): SentBatch {
    return { firstSequence: this.nextSequence + 1, records: [{ key: 'gap', value: 'gap' }] };
  }

  private makeBatch(): SentBatch {
    const count = 1 + this.random.below(MAX_RECORDS);
    const batch: SentBatch = {
      firstSequence: this.nextSequence,
      records: Array.from({ length: count }, (_, i) => ({
        key: `${this.name}-${this.random.below(KEYS)}`,
        value: `${this.name}/${this.nextSequence + i}/`.padEnd(this.random.below(MAX_VALUE_BYTES), '.'),
      })),
    };
    this.nextSequence += count;
    this.batches.push(batch);
    return batch;
  }

  private requestOf({ firstSequence, records }: SentBatch): object {
    const entries = records.map(({ key, value }) => ({ key: Buffer.from(key), value: Buffer.from(value) }));
    const batch = makeRecordBatch(entries, BigInt(Date.now()), {
      producerId: this.producerId,
      producerEpoch: 0,
      baseSequence: firstSequence,
    });
    const partitions = [{ index: this.partition, records: [batch] }];
    return {
      transactionalId: null,
      acks: -1,
      timeoutMs: TIMEOUT_MS,
      topics: [{ name: this.topic, partitions }],
    };
  }

  private baseOffsetIn(frame: Buffer, correlationId: number, { firstSequence }: SentBatch): bigint {
    const about = { apiKey: Api.PRODUCE, version: PRODUCE_VERSION, correlationId };
    const [answer] = answerIn<Produced>(frame, about).topics[0]?.partitions ?? [];
    if (answer?.errorCode === 0) return answer.baseOffset;
    throw new BrokenPromiseError(
      `sequence ${firstSequence} of ${this.name} to ${partitionName(this.topic, this.partition)}: error ${answer?.errorCode}`,
    );
  }
}

async function takeProducerId(client: RawClient): Promise<bigint> {
  const { producerId } = await client.call<{ producerId: bigint }>(Api.INIT_PRODUCER_ID, 1, {
    transactionalId: null,
    transactionTimeoutMs: TIMEOUT_MS,
  });
  return producerId;
}

/** Commits increasing offsets, as a member of the group or without membership. */
export class Committer implements Client {
  /** Acknowledged, or read from the broker since then. It must not decrease. */
  committed = 0n;
  attempted = 0n;
  private memberId = '';
  private generationId = -1;

  constructor(
    readonly group: string,
    readonly topic: string,
    private readonly asMember: boolean,
  ) {}

  async work(port: number, onAnswer: () => void): Promise<void> {
    await untilCutOff(port, async (client) => {
      for (;;) {
        if (this.asMember && !(await this.isMember(client))) await this.join(client);
        this.attempted++;
        const partitions = [
          {
            partitionIndex: 0,
            committedOffset: this.attempted,
            committedLeaderEpoch: 0,
            committedMetadata: '',
          },
        ];
        const { topics } = await client.call<{ topics: { partitions: { errorCode: number }[] }[] }>(
          Api.OFFSET_COMMIT,
          6,
          {
            groupId: this.group,
            generationId: this.generationId,
            memberId: this.memberId,
            topics: [{ name: this.topic, partitions }],
          },
        );
        const errorCode = topics[0]?.partitions[0]?.errorCode ?? -1;
        onAnswer();
        if (errorCode === 0) this.committed = this.attempted;
        else if (!this.asMember || !JOIN_AGAIN.has(errorCode)) {
          throw new BrokenPromiseError(`commit of ${this.group} refused: error ${errorCode}`);
        }
      }
    });
  }

  private async isMember(client: RawClient): Promise<boolean> {
    const { group: groupId, generationId, memberId } = this;
    if (memberId === '') return false;
    const { errorCode } = await client.call<{ errorCode: number }>(Api.HEARTBEAT, 2, {
      groupId,
      generationId,
      memberId,
    });
    if (errorCode !== 0 && !JOIN_AGAIN.has(errorCode)) {
      throw new BrokenPromiseError(`heartbeat of ${groupId} refused: error ${errorCode}`);
    }
    return errorCode === 0;
  }

  private async join(client: RawClient): Promise<void> {
    const joined = await client.call<{ errorCode: number; generationId: number; memberId: string }>(
      Api.JOIN_GROUP,
      3,
      {
        groupId: this.group,
        sessionTimeoutMs: TIMEOUT_MS,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('whatever') }],
      },
    );
    this.memberId = joined.memberId;
    this.generationId = joined.generationId;
    await client.call(Api.SYNC_GROUP, 2, {
      groupId: this.group,
      generationId: this.generationId,
      memberId: this.memberId,
      assignments: [{ memberId: this.memberId, assignment: Buffer.from('everything') }],
    });
  }
}
