import { randomUUID } from 'node:crypto';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { appendTransaction, deleteRecords } from '@hailstream/log/testing';
import type { Random } from '@hailstream/service/testing';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { connectionTo, HOUR_MS, MORNING, silent } from '../../_util.js';

const TELEMETRY = telemetryFamily.topic.name;
/** A topic without an event family: its records have no time but that of their receipt. */
const OTHER = 'proof-other';
/** The topics of a random log. */
export const TOPICS = [TELEMETRY, OTHER];
const PLACES = [
  { topic: TELEMETRY, partition: 0 },
  { topic: TELEMETRY, partition: 5 },
  { topic: TELEMETRY, partition: 11 },
  { topic: OTHER, partition: 0 },
  { topic: OTHER, partition: 1 },
];
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

/** What was appended to a log. */
export interface RandomLog {
  /** Values of the records that a consumer reads, by topic and partition; a record without value has its key. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
  /** Time from one record to the next. */
  readonly stepMs: number;
  /** Whether a block is so large that its object is uploaded in parts. */
  readonly isLarge: boolean;
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
): Promise<RandomLog> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  await admin.ensureTopics([...eventRegistry.topics, { name: OTHER, partitions: 2 }]);
  const producer = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    const writer = new RandomWriter(broker, producer, random);
    if (random.chance(0.5)) await writer.appendAndDelete(random.pick(PLACES));
    const appends = 4 + random.below(MAX_APPENDS);
    for (let append = 0; append < appends; append += 1) {
      const place = random.pick(PLACES);
      await (random.chance(TRANSACTIONS) ? writer.appendTransaction(place) : writer.appendRecords(place));
    }
    if (writer.isLarge) await writer.appendLargeRecords(random.pick(PLACES));
    return writer;
  } finally {
    await producer.disconnect();
  }
}

type Place = (typeof PLACES)[number];

class RandomWriter implements RandomLog {
  readonly expected = new Map<string, string[]>();
  readonly stepMs: number;
  readonly isLarge: boolean;
  private nowMs: number;

  constructor(
    private readonly broker: { readonly address: string },
    private readonly producer: Producer,
    private readonly random: Random,
  ) {
    this.stepMs = random.pick([1, 100, 5_000, 60_000]);
    this.isLarge = random.chance(LARGE);
    this.nowMs = random.chance(0.3) ? Date.now() - HOUR_MS : MORNING;
  }

  async appendRecords({ topic, partition }: Place): Promise<void> {
    const count = 1 + this.random.below(MAX_BATCH_RECORDS);
    const records = Array.from({ length: count }, () => this.record(topic));
    await this.producer.send({ topic, messages: records.map((record) => ({ ...record, partition })) });
    this.expect({ topic, partition }, records.map(identityOf));
  }

  async appendTransaction({ topic, partition }: Place): Promise<void> {
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

  async appendLargeRecords({ topic, partition }: Place): Promise<void> {
    for (let index = 0; index < LARGE_RECORDS; index += 1) {
      const data = this.random.bytes(LARGE_BYTES).toString('base64');
      const value = Buffer.from(JSON.stringify({ timestamp: this.nowMs, data }));
      const record = { key: randomUUID(), value, timestamp: String(this.nowMs) };
      await this.producer.send({ topic, messages: [{ ...record, partition }] });
      this.expect({ topic, partition }, [identityOf(record)]);
    }
  }

  /** Leaves a gap: the partition starts after records that were deleted. */
  async appendAndDelete({ topic, partition }: Place): Promise<void> {
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
    this.nowMs += this.random.below(this.stepMs + 1);
    const value = this.random.chance(UNREADABLE) ? this.unreadable() : Buffer.from(this.event(topic));
    return { key: randomUUID(), value, timestamp: String(this.nowMs) };
  }

  private event(topic: string): string {
    const id = randomUUID();
    const isLate = this.random.chance(LATE);
    const timeMs =
      this.nowMs - (isLate ? this.random.below(MAX_LATE_HOURS * HOUR_MS) : this.random.below(1_000));
    const event =
      topic === TELEMETRY
        ? { ...telemetryFamily.example, telemetry_id: id, timestamp: timeMs }
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
