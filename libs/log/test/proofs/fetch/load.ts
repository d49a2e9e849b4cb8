import { nameOf } from '../../../src/protocol/error-codes.js';
import { packBatch, writeRecords } from '../../../src/protocol/records.js';
import type { Producer, TransactionalClient } from '../../broker/transactional-client.js';
import { BrokenPromiseError } from '../crash/clients.js';
import { until, type Random } from '@hailstream/service/testing';
import { PartitionModel, type ModelTransaction, type SentRecord } from './model.js';

const TRANSACTIONAL = 0x10;
const CODECS = [0, 0, 0, 1, 2, 3] as const;
const KEYS = 6;
const MAX_PARTITIONS = 6;
const PRODUCERS = 2;
const SEGMENT_BYTES = [1_024, 3_000, 10_000, 70_000, 1 << 20] as const;
const SEGMENT_MS = [3_600_000, 7 * 86_400_000] as const;
/** Record timestamps advance with each batch, so that segments roll by time. */
const OLDEST_MS = 20 * 86_400_000;
const MAX_STEP_MS = 2 * 3_600_000;
const PRODUCE = 0;
const PRODUCE_VERSION = 9;
const COMPACTED = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0',
  'delete.retention.ms': '0',
};

/** A producer and its open transaction. */
interface Part {
  readonly producer: Producer;
  readonly sequences: Map<PartitionModel, number>;
  transaction: ModelTransaction | undefined;
}

/** Writes random batches to one topic, with and without transactions, and records the expected contents. */
export class Load {
  readonly partitions: readonly PartitionModel[];
  private readonly parts: Part[] = [];
  private nextId = 0;
  private timestamp = BigInt(Date.now() - OLDEST_MS);

  private constructor(
    private client: TransactionalClient,
    readonly topic: string,
    private readonly random: Random,
    compacted: boolean,
  ) {
    this.partitions = Array.from(
      { length: 1 + random.below(MAX_PARTITIONS) },
      (_, partition) => new PartitionModel(topic, partition, compacted),
    );
  }

  /** Creates the topic and its transactional producers. */
  static async start(client: TransactionalClient, topic: string, random: Random): Promise<Load> {
    const compacted = random.chance(0.3);
    const load = new Load(client, topic, random, compacted);
    await client.createTopic(topic, load.partitions.length, {
      'segment.bytes': String(random.pick(SEGMENT_BYTES)),
      'segment.ms': String(random.pick(SEGMENT_MS)),
      'retention.ms': '-1',
      ...(compacted ? COMPACTED : {}),
    });
    for (let i = 0; i < PRODUCERS; i++) {
      const producer = await client.begin(`${topic}-${i}`);
      load.parts.push({ producer, sequences: new Map(), transaction: undefined });
    }
    return load;
  }

  /** Continues on another connection. */
  useClient(client: TransactionalClient): void {
    this.client = client;
  }

  async write(batches: number): Promise<void> {
    for (let i = 0; i < batches; i++) {
      this.timestamp += BigInt(this.random.below(MAX_STEP_MS));
      if (this.random.chance(0.6)) await this.append(undefined);
      else await this.goOn(this.random.pick(this.parts));
    }
  }

  /** Ends all open transactions, or leaves some open. */
  async finish(leavesOpen: boolean): Promise<void> {
    for (const part of this.parts) {
      if (part.transaction !== undefined && !(leavesOpen && this.random.chance(0.5))) await this.end(part);
    }
  }

  private async goOn(part: Part): Promise<void> {
    if (part.transaction === undefined) {
      await this.expect(() => this.client.add(part.producer, this.topic, [...this.partitions.keys()]));
      part.transaction = { outcome: 'open' };
    }
    if (this.random.chance(0.7)) await this.append(part);
    else await this.end(part);
  }

  /** Markers may be written after the response, one to each partition of the transaction. */
  private async end(part: Part): Promise<void> {
    const { transaction, producer } = part;
    if (transaction === undefined) return;
    const outcome = this.random.chance(0.5) ? 'commit' : 'abort';
    await this.expect(() => this.client.end(producer, outcome));
    transaction.outcome = outcome === 'commit' ? 'committed' : 'aborted';
    part.transaction = undefined;
    for (const partition of this.partitions) {
      partition.appendMarker();
      const ends = () => this.client.endOffset(this.topic, partition.partition, 'uncommitted');
      await until(async () => (await ends()) === partition.endOffset);
    }
  }

  private async append(part: Part | undefined): Promise<void> {
    const partition = this.random.pick(this.partitions);
    const { records, sent } = this.records(partition.compacted, part?.transaction);
    const baseSequence = part?.sequences.get(partition) ?? 0;
    const codec = this.random.pick(CODECS);
    const batch = packBatch(
      {
        baseOffset: 0n,
        lastOffsetDelta: sent.length - 1,
        attributes: codec | (part === undefined ? 0 : TRANSACTIONAL),
        baseTimestamp: this.timestamp,
        maxTimestamp: this.timestamp,
        producerId: part?.producer.producerId ?? -1n,
        producerEpoch: part?.producer.producerEpoch ?? -1,
        baseSequence: part === undefined ? -1 : baseSequence,
        count: sent.length,
      },
      records,
    );
    const { topics } = await this.client.raw.call<{
      topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
    }>(PRODUCE, PRODUCE_VERSION, {
      transactionalId: part?.producer.transactionalId ?? null,
      acks: -1,
      timeoutMs: 10_000,
      topics: [{ name: this.topic, partitions: [{ index: partition.partition, records: [batch] }] }],
    });
    const answer = topics[0]?.partitions[0];
    if (answer?.errorCode !== 0) {
      throw new BrokenPromiseError(`batch refused: ${nameOf(answer?.errorCode ?? -1)}`);
    }
    part?.sequences.set(partition, baseSequence + sent.length);
    partition.append(sent, answer.baseOffset);
  }

  private records(
    compacted: boolean,
    transaction: ModelTransaction | undefined,
  ): { records: Buffer; sent: SentRecord[] } {
    const { random } = this;
    const count = random.chance(0.1) ? 1 + random.below(200) : 1 + random.below(10);
    const maxBytes = random.chance(0.1) ? 40_000 / count : 300;
    const sent = Array.from({ length: count }, (): SentRecord => ({
      id: String(this.nextId++),
      key: compacted || random.chance(0.3) ? `k${random.below(KEYS)}` : null,
      tombstone: compacted && random.chance(0.05),
      transaction,
    }));
    const records = writeRecords(
      sent.map(({ id, key, tombstone }, offsetDelta) => ({
        offsetDelta,
        timestampDelta: 0n,
        key: key === null ? null : Buffer.from(key),
        value: tombstone ? null : Buffer.from(`${id}/`.padEnd(random.below(maxBytes), '.')),
        headers: [],
      })),
    );
    return { records, sent };
  }

  private async expect(ask: () => Promise<{ error: string }>): Promise<void> {
    const { error } = await this.client.patiently(ask);
    if (error !== 'NONE') throw new BrokenPromiseError(`transaction refused: ${error}`);
  }
}
