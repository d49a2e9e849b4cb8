import { batchLastOffset, readBatchHeader } from '../../../src/protocol/record-batch.js';
import { recordsOf } from '../../../src/protocol/records.js';
import type { RawClient } from '../../broker/raw-client.js';
import { batchesOf } from '../../broker/transactional-client.js';
import type { Random } from '@hailstream/service/testing';
import { require } from './audit.js';
import { untilCutOff, type Client } from './clients.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const FETCH = 1;
const VERSIONS = [4, 5, 7, 9, 11, 12] as const;
/** Smaller than most batches. */
const PARTITION_LIMITS = [0, 1, 100, 300, 1_000, 5_000] as const;
const LIMITS = [0, 100, 1_000, 10_000, 1 << 20] as const;
const MAX_WAIT_MS = 20;

/** A partition and the next offset to read. */
interface Reading {
  readonly topic: string;
  readonly partition: number;
  /** The last sequence number of each producer, from the values. */
  readonly sequences: Map<string, number>;
  position: bigint;
}

interface Fetched {
  readonly topics: readonly {
    readonly partitions: readonly {
      readonly errorCode: number;
      readonly highWatermark: bigint;
      readonly records: readonly Buffer[] | null;
    }[];
  }[];
}

/**
 * Reads many partitions with small limits while they are written, and continues at its position after each kill.
 * Nothing is deleted from them, so every offset must be returned once and in order, with the next record of its
 * producer.
 */
export class GapReader implements Client {
  private readonly readings: readonly Reading[];

  constructor(
    private readonly name: string,
    topics: readonly { readonly topic: string; readonly partitions: number }[],
    private readonly random: Random,
  ) {
    this.readings = topics.flatMap(({ topic, partitions }) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic,
        partition,
        sequences: new Map<string, number>(),
        position: 0n,
      })),
    );
  }

  /** Number of records received. */
  get records(): number {
    return this.readings.reduce((sum, { position }) => sum + Number(position), 0);
  }

  async work(port: number): Promise<void> {
    await untilCutOff(port, async (client) => {
      for (;;) await this.fetch(client, this.random.below(MAX_WAIT_MS));
    });
  }

  /**
   * Reads every partition to its end.
   * @throws BrokenPromiseError if an offset is skipped, repeated or out of order
   */
  async catchUp(client: RawClient): Promise<void> {
    while ((await this.fetch(client, 0)) > 0n);
  }

  /** @returns the number of records that are not read yet */
  private async fetch(client: RawClient, maxWaitMs: number): Promise<bigint> {
    const { random } = this;
    const order = this.readings
      .map((reading) => ({ reading, place: random.fraction() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ reading }) => reading);
    const partitionMaxBytes = random.pick(PARTITION_LIMITS);
    const { topics } = await client.call<Fetched>(FETCH, random.pick(VERSIONS), {
      replicaId: -1,
      maxWaitMs,
      minBytes: 1,
      maxBytes: random.pick(LIMITS),
      isolationLevel: random.below(2),
      sessionId: 0,
      sessionEpoch: -1,
      forgottenTopics: [],
      rackId: '',
      topics: order.map(({ topic, partition, position }) => ({
        topic,
        partitions: [
          {
            partition,
            currentLeaderEpoch: -1,
            fetchOffset: position,
            lastFetchedEpoch: -1,
            logStartOffset: -1n,
            partitionMaxBytes,
          },
        ],
      })),
    });
    let left = 0n;
    for (const [i, reading] of order.entries()) {
      const found = topics[i]?.partitions[0];
      const where = partitionName(reading.topic, reading.partition);
      require(found?.errorCode ===
        0, `${this.name} at ${where} ${reading.position}: error ${found?.errorCode}`);
      this.take(reading, Buffer.concat([...(found.records ?? [])]), where);
      left += found.highWatermark - reading.position;
    }
    return left;
  }

  private take(reading: Reading, bytes: Buffer, where: string): void {
    for (const batch of batchesOf(bytes)) {
      const { baseOffset } = readBatchHeader(batch);
      for (const { offsetDelta, value } of recordsOf(batch)) {
        const offset = baseOffset + BigInt(offsetDelta);
        if (offset < reading.position) continue;
        require(offset === reading.position, `${this.name} got ${where} ${offset}, not ${reading.position}`);
        const [producer = '', sequence = ''] = String(value).split('/');
        const next = (reading.sequences.get(producer) ?? -1) + 1;
        require(next === Number(sequence), `${this.name} got ${sequence} of ${producer}, not ${next}`);
        reading.sequences.set(producer, next);
        reading.position++;
      }
      require(batchLastOffset(batch) <
        reading.position, `${this.name} received an incomplete batch of ${where}`);
    }
  }
}
