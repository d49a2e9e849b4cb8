import assert from 'node:assert';
import { BatchEncoder } from '../../protocol/batch-encoder.js';
import { headersBytes } from '../../protocol/record-output.js';
import { TRANSACTIONAL } from '../../protocol/record-batch.js';
import { LogError } from '../core/errors.js';
import { isTransient } from '../kafkajs/errors.js';
import { codecOf, type Compression } from '../kafkajs/codecs.js';
import { encodedContentOf, type OutgoingRecord } from '../record/record.js';
import { partitionForKey, StickyPartitioner } from '../producer/partitioner.js';
import { contentBytes, invalidReason, toContent } from '../producer/record-content.js';
import type { EncodedBatch, TransactionRequests } from './transaction-requests.js';
import type { RecordCopies } from './transactional-producer.js';

/** Maximum size of the batches of one request, unless a record is larger: less than brokers accept by default, 1 MiB. */
const REQUEST_BYTES = 512 * 1024;
/** Brokers recognise repeats of the last five batches of a producer in a partition. */
const MAX_IN_FLIGHT = 5;
const MAX_SEQUENCE = 2 ** 31;
/** How often the leaders of partitions are looked up, because topics may get more partitions. */
const METADATA_MAX_AGE_MS = 300_000;

/** Encoders whose batches are acknowledged, so that their buffers need not be allocated again. Of all producers. */
const spareEncoders: BatchEncoder[] = [];
const MAX_SPARE_ENCODERS = 16;
const MAX_SPARE_BYTES = 2 * REQUEST_BYTES;

/** What is known of a topic, by partition. */
interface TopicState {
  readonly name: string;
  readonly leaders: readonly number[];
  /** Sequence number of the next batch. */
  readonly sequences: number[];
  /** Batches that are not sent yet. */
  readonly open: (BatchEncoder | undefined)[];
  /** Partitions of the current transaction. */
  readonly added: Set<number>;
}

/** A request that is not known to be acknowledged. */
interface InFlightRequest {
  readonly topic: string;
  readonly batches: readonly EncodedBatch[];
  readonly encoders: readonly BatchEncoder[];
  readonly failure: Promise<Error | undefined>;
}

/**
 * Encodes records as they are read and appends them within transactions. Several requests are in flight at once; the sequence
 * numbers of their batches make brokers append them in order or not at all.
 */
export class TransactionAppends {
  private readonly topics = new Map<string, TopicState>();
  private readonly sticky = new StickyPartitioner();
  /** In the order in which they were sent. */
  private inFlight: InFlightRequest[] = [];
  private readonly codec: number;
  private lookedUpMs = 0;
  private openBytes = 0;

  constructor(
    private readonly requests: TransactionRequests,
    compression: Compression,
  ) {
    this.codec = codecOf(compression);
  }

  /**
   * Appends records to the current transaction. Resolves once all are acknowledged, with whether there were any.
   *
   * @throws LogError, ResponseError or errors of kafkajs; the transaction cannot be committed then
   */
  async appendAll(records: Iterable<OutgoingRecord>): Promise<boolean> {
    await this.begin();
    const nowMs = Date.now();
    let topic: TopicState | undefined;
    for (const record of records) {
      const reason = invalidReason(record);
      if (reason !== undefined) throw new LogError('REFUSED', reason, false);
      const content = toContent(record, nowMs);
      if (topic?.name !== content.topic) topic = await this.topic(content.topic);
      const sizeBytes = contentBytes(content);
      const partition = this.partitionOf(record.partition, content, topic, sizeBytes);
      if (this.isFullWith(sizeBytes)) await this.sendOpen();
      const encoder = openBatch(topic, partition);
      const before = encoder.sizeBytes;
      encoder.add(content);
      this.openBytes += encoder.sizeBytes - before;
    }
    await this.sendAll();
    return topic !== undefined;
  }

  /** Like {@link appendAll}. */
  async appendCopies(copies: RecordCopies): Promise<boolean> {
    await this.begin();
    let topic: TopicState | undefined;
    for (const record of copies.records) {
      topic ??= await this.topic(copies.topic);
      const content = encodedContentOf(record);
      const headers = copies.headersOf(record);
      const added = copies.addedHeaders(record);
      const sizeBytes = content.contentEnd - content.contentAt + headersBytes(headers) + added.bytes.length;
      const partition = this.partitionOf(copies.partitionOf(record), record, topic, sizeBytes);
      if (this.isFullWith(sizeBytes)) await this.sendOpen();
      const encoder = openBatch(topic, partition);
      const before = encoder.sizeBytes;
      encoder.addEncoded(content, record.timestampMs, headers, added);
      this.openBytes += encoder.sizeBytes - before;
    }
    await this.sendAll();
    return topic !== undefined;
  }

  private async begin(): Promise<void> {
    await this.forgetOldLeaders();
    for (const topic of this.topics.values()) topic.added.clear();
  }

  private async sendAll(): Promise<void> {
    await this.sendOpen();
    while (this.inFlight.length > 0) await this.settleOldest();
  }

  /** Whether a record of `sizeBytes` has to wait for the next request. */
  private isFullWith(sizeBytes: number): boolean {
    return this.openBytes > 0 && this.openBytes + sizeBytes > REQUEST_BYTES;
  }

  /** @throws LogError if the topic has no such partition */
  private partitionOf(
    partition: number | undefined,
    keyed: { readonly key: Buffer | null },
    { name, leaders }: TopicState,
    sizeBytes: number,
  ): number {
    if (partition === undefined) {
      const { key } = keyed;
      return key === null
        ? this.sticky.choose(name, leaders.length, sizeBytes)
        : partitionForKey(key, leaders.length);
    }
    if (leaders[partition] !== undefined) return partition;
    throw new LogError('UNAVAILABLE', `the cluster has no partition ${partition} of topic "${name}"`, true);
  }

  private async topic(name: string): Promise<TopicState> {
    const known = this.topics.get(name);
    if (known && known.leaders.length > 0) return known;
    const leaders = await this.requests.leaders(name);
    if (leaders.length === 0) throw new LogError('UNKNOWN_TOPIC', `the cluster has no topic "${name}"`, true);
    const { sequences = [] } = known ?? {};
    const topic: TopicState = { name, leaders, sequences, open: [], added: new Set() };
    this.topics.set(name, topic);
    return topic;
  }

  private async forgetOldLeaders(): Promise<void> {
    const nowMs = performance.now();
    if (this.lookedUpMs > 0 && nowMs - this.lookedUpMs < METADATA_MAX_AGE_MS) return;
    if (this.lookedUpMs > 0) await this.requests.refresh();
    this.lookedUpMs = nowMs;
    for (const [name, topic] of this.topics) this.topics.set(name, { ...topic, leaders: [] });
  }

  /** Sends the open batches; waits while the maximum number of requests is in flight. */
  private async sendOpen(): Promise<void> {
    this.openBytes = 0;
    for (const topic of this.topics.values()) {
      const partitions = [...topic.open.keys()].filter((partition) => topic.open[partition]);
      const added = partitions.filter((partition) => !topic.added.has(partition));
      if (added.length > 0) await this.requests.addPartitions(topic.name, added);
      for (const partition of added) topic.added.add(partition);
      const leaders = new Set(partitions.map((partition) => topic.leaders[partition]!));
      for (const leader of leaders) {
        const led = partitions.filter((partition) => topic.leaders[partition] === leader);
        await this.send(leader, topic, led);
      }
    }
  }

  private async send(leader: number, topic: TopicState, partitions: readonly number[]): Promise<void> {
    while (this.inFlight.length >= MAX_IN_FLIGHT) await this.settleOldest();
    const encoders: BatchEncoder[] = [];
    const batches: EncodedBatch[] = partitions.map((partition) => {
      const encoder = topic.open[partition];
      assert.ok(encoder);
      topic.open[partition] = undefined;
      encoders.push(encoder);
      const baseSequence = topic.sequences[partition] ?? 0;
      topic.sequences[partition] = (baseSequence + encoder.count) % MAX_SEQUENCE;
      const fields = { ...this.requests.producer, attributes: TRANSACTIONAL, baseSequence };
      return { partition, batch: encoder.finish(fields, this.codec) };
    });
    const failure = failureOf(this.requests.produce(leader, topic.name, batches));
    this.inFlight.push({ topic: topic.name, batches, encoders, failure });
  }

  private async settleOldest(): Promise<void> {
    const [oldest] = this.inFlight;
    assert.ok(oldest);
    const failure = await oldest.failure;
    if (failure !== undefined) return this.sendAgain(failure);
    this.inFlight.shift();
    for (const encoder of oldest.encoders) release(encoder);
  }

  /** If a request fails, the brokers refuse those after it, because their sequence numbers do not follow. */
  private async sendAgain(failure: Error): Promise<void> {
    if (!isTransient(failure)) throw failure;
    const sent = this.inFlight;
    this.inFlight = [];
    await Promise.all(sent.map((request) => request.failure));
    for (const { topic, batches, encoders } of sent) {
      await this.requests.produceAgain(topic, batches);
      for (const encoder of encoders) release(encoder);
    }
  }
}

/** The batch for the next record of a partition. */
function openBatch(topic: TopicState, partition: number): BatchEncoder {
  return (topic.open[partition] ??= spareEncoders.pop() ?? new BatchEncoder());
}

/** Resolves with the error of a request; `undefined` if it succeeds. */
async function failureOf(request: Promise<void>): Promise<Error | undefined> {
  try {
    await request;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The batch of the encoder must have been sent. */
function release(encoder: BatchEncoder): void {
  if (spareEncoders.length >= MAX_SPARE_ENCODERS || encoder.capacityBytes > MAX_SPARE_BYTES) return;
  encoder.reset();
  spareEncoders.push(encoder);
}
