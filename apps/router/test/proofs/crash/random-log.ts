import { randomUUID } from 'node:crypto';
import { eventRegistry, telemetryFamily, vehicleEventFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { appendTransaction, deleteRecords } from '@hailstream/log/testing';
import type { Random } from '@hailstream/service/testing';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { connectionTo, HOUR_MS, MORNING, silent } from '../../_util.js';

const TELEMETRY = telemetryFamily.topic.name;
/** A topic without an event family: its records have no time but that of their receipt. */
const OTHER = 'proof-other';
const MAX_APPENDS = 14;
const MAX_BATCH_RECORDS = 24;
const MAX_TRANSACTION_RECORDS = 5;
const TRANSACTIONS = 0.3;
const UNREADABLE = 0.1;
const LATE = 0.05;
const LARGE = 0.1;
/** Together larger than a part of an upload; the values cannot be compressed. */
const LARGE_RECORDS = 9;
const LARGE_BYTES = 600_000;
const MAX_LATE_HOURS = 40;
/** Records of a log that grows are this far in the future, so that no block is closed because its interval has passed. */
const GROWING_AHEAD_MS = 600_000;
/** The broker refuses records that are more than an hour in the future. */
const MAX_AHEAD_MS = 3_000_000;

/** What was appended to a log. */
export interface RandomLog {
  readonly topics: readonly string[];
  /** Values of the records that a consumer reads, by topic and partition; a record without value has its key. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
  /** Time from one record to the next. */
  readonly stepMs: number;
  /** Whether a block is so large that its object is uploaded in parts. */
  readonly isLarge: boolean;
  /** Appends records or a transaction. */
  grow(): Promise<void>;
}

interface RandomLogOptions {
  /** Whether every topic has an event family. */
  readonly hasFamilies: boolean;
  /** Whether the log is appended to while it is delivered. */
  readonly isGrowing: boolean;
}

interface RandomRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly timestamp: string;
}

/** Appends random records, transactions and gaps. */
export async function appendRandomLog(
  broker: { readonly address: string },
  random: Random,
  options: RandomLogOptions,
): Promise<RandomLog & AsyncDisposable> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  await admin.ensureTopics([...eventRegistry.topics, { name: OTHER, partitions: 2 }]);
  const producer = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const writer = new RandomWriter(broker, producer, random, options);
  if (random.chance(0.5)) await writer.appendAndDelete();
  const appends = 4 + random.below(MAX_APPENDS);
  for (let append = 0; append < appends; append += 1) await writer.grow();
  if (writer.isLarge) await writer.appendLargeRecords();
  return writer;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

class RandomWriter implements RandomLog, AsyncDisposable {
  readonly topics: readonly string[];
  readonly expected = new Map<string, string[]>();
  readonly stepMs: number;
  readonly isLarge: boolean;
  private readonly places: readonly Place[];
  private nowMs: number;

  constructor(
    private readonly broker: { readonly address: string },
    private readonly producer: Producer,
    private readonly random: Random,
    { hasFamilies, isGrowing }: RandomLogOptions,
  ) {
    const other = hasFamilies ? vehicleEventFamily.topic.name : OTHER;
    this.topics = [TELEMETRY, other];
    this.places = [
      ...[0, 5, 11].map((partition) => ({ topic: TELEMETRY, partition })),
      ...[0, 1].map((partition) => ({ topic: other, partition })),
    ];
    this.stepMs = random.pick(isGrowing ? [1, 100, 5_000] : [1, 100, 5_000, 60_000]);
    this.isLarge = random.chance(LARGE);
    this.nowMs = random.chance(0.3) ? Date.now() - HOUR_MS : MORNING;
    if (isGrowing) this.nowMs = Date.now() + GROWING_AHEAD_MS;
  }

  async grow(): Promise<void> {
    const place = this.random.pick(this.places);
    await (this.random.chance(TRANSACTIONS) ? this.appendTransaction(place) : this.appendRecords(place));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.producer.disconnect();
  }

  private async appendRecords({ topic, partition }: Place): Promise<void> {
    const count = 1 + this.random.below(MAX_BATCH_RECORDS);
    const records = Array.from({ length: count }, () => this.record(topic));
    await this.producer.send({ topic, messages: records.map((record) => ({ ...record, partition })) });
    this.expect({ topic, partition }, records.map(identityOf));
  }

  private async appendTransaction({ topic, partition }: Place): Promise<void> {
    const count = 1 + this.random.below(MAX_TRANSACTION_RECORDS);
    const values = Array.from({ length: count }, () => this.event(topic));
    const outcome = this.random.chance(0.6) ? 'commit' : 'abort';
    await appendTransaction(this.broker, { topic, partition, values, outcome });
    if (outcome === 'commit')
      this.expect(
        { topic, partition },
        values.map((value) => identityOf({ value: Buffer.from(value) })),
      );
  }

  async appendLargeRecords(): Promise<void> {
    const { topic, partition } = this.random.pick(this.places);
    for (let index = 0; index < LARGE_RECORDS; index += 1) {
      const data = this.random.bytes(LARGE_BYTES).toString('base64');
      const value = Buffer.from(JSON.stringify({ timestamp: this.nowMs, data }));
      const record = { key: randomUUID(), value, timestamp: String(this.nowMs) };
      await this.producer.send({ topic, messages: [{ ...record, partition }] });
      this.expect({ topic, partition }, [identityOf(record)]);
    }
  }

  /** Leaves a gap: the partition starts after records that were deleted. */
  async appendAndDelete(): Promise<void> {
    const { topic, partition } = this.random.pick(this.places);
    const count = 1 + this.random.below(MAX_BATCH_RECORDS);
    const messages = Array.from({ length: count }, () => ({ ...this.record(topic), partition }));
    await this.producer.send({ topic, messages });
    await deleteRecords(this.broker, { topic, partition, offset: BigInt(count) });
  }

  private expect({ topic, partition }: Place, values: readonly string[]): void {
    const place = `${topic}/${partition}`;
    this.expected.set(place, [...(this.expected.get(place) ?? []), ...values]);
  }

  private record(topic: string): RandomRecord {
    this.nowMs = Math.min(this.nowMs + this.random.below(this.stepMs + 1), Date.now() + MAX_AHEAD_MS);
    const value = this.random.chance(UNREADABLE) ? this.unreadable() : Buffer.from(this.event(topic));
    return { key: randomUUID(), value, timestamp: String(this.nowMs) };
  }

  private event(topic: string): string {
    const id = randomUUID();
    const isLate = this.random.chance(LATE);
    const timeMs =
      this.nowMs - (isLate ? this.random.below(MAX_LATE_HOURS * HOUR_MS) : this.random.below(1_000));
    const family = eventRegistry.byTopic.get(topic);
    const event = family
      ? { ...family.example, [family.fields.id]: id, [family.fields.time]: timeMs }
      : { id, text: `${'é\n"}'.repeat(this.random.below(4))}`, size: this.random.below(1_000) };
    return JSON.stringify(event, null, this.random.pick([0, 0, 0, 1]));
  }

  private unreadable(): Buffer | null {
    const id = randomUUID();
    return this.random.pick([
      null,
      Buffer.from(`not JSON ${id}`),
      Buffer.from(`["${id}"]`),
      Buffer.concat([Buffer.from(`{"id":"${id}`), Buffer.from([0xff]), Buffer.from('"}')]),
      // Unreadable only if the event's time is needed.
      Buffer.from(`{"id":"${id}"}`),
    ]);
  }
}

/** What tells a record from others: its value, or its key if it has no value. */
export function identityOf({
  key,
  value,
}: {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | null;
}): string {
  return value === null ? `null ${String(key)}` : value.toString('latin1');
}
