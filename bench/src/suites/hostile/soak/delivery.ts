import { createInterface } from 'node:readline';
import { to as copyTo } from 'pg-copy-streams';
import type { SentEvents } from '../../../load/neighbour.js';
import { eventId, eventNumber } from '../../../load/numbered-events.js';
import {
  plainClient,
  type PlainAdmin,
  type PlainBatch,
  type PlainConsumer,
} from '../../../load/plain-client.js';
import { NEIGHBOUR, type Target } from '../target/target.js';

const TOPIC = 'ride.telemetry';
/** Missing events that a failure names. */
const NAMED_EVENTS = 5;
const MAX_COUNT = 255;
/** More than are sent in any run. */
const MAX_EVENTS = 1 << 28;
/** Time limit for reading the rest of the log. */
const READ_WITHIN_MS = 600_000;

/** Where the events of the neighbour are. */
interface Delivery {
  readonly acknowledged: number;
  /** Events in the log, and records of them. */
  readonly inLog: number;
  readonly logRecords: number;
  readonly rows: number;
  readonly failures: readonly string[];
}

/**
 * Counts the events of the neighbour in the log and in Postgres, without code of the system: the log with kafkajs, Postgres with COPY.
 * Each acknowledged event must be in the log, and in Postgres exactly once; no other may be in Postgres more than once.
 */
export async function checkDelivery(
  target: Target,
  counter: LogCounter,
  sent: SentEvents,
): Promise<Delivery> {
  const acknowledged = Buffer.from(sent.acknowledged, 'base64');
  const log = (await counter.toEnd()).of(sent.sent);
  const rows = (await countInPostgres(target)).of(sent.sent);
  const wrong = (isWrong: (number: number) => boolean): number[] =>
    Array.from({ length: sent.sent }, (_, number) => number).filter(isWrong);
  const failures = [
    named(
      'acknowledged and not in the log',
      wrong((number) => acknowledged[number] === 1 && log.counts[number] === 0),
    ),
    named(
      'acknowledged and not in Postgres',
      wrong((number) => acknowledged[number] === 1 && rows.counts[number] === 0),
    ),
    named(
      'in Postgres more than once',
      wrong((number) => rows.counts[number]! > 1),
    ),
    ...(rows.unknown > 0 ? [`${rows.unknown} rows of the provider were never sent`] : []),
    ...(log.unknown > 0 ? [`${log.unknown} records of the provider were never sent`] : []),
  ].filter((failure) => failure !== undefined);
  return {
    acknowledged: total(acknowledged),
    inLog: log.counts.reduce((sum, count) => sum + Math.min(count, 1), 0),
    logRecords: total(log.counts),
    rows: total(rows.counts),
    failures,
  };
}

function named(what: string, numbers: readonly number[]): string | undefined {
  if (numbers.length === 0) return undefined;
  return `${numbers.length} events are ${what}: ${numbers.slice(0, NAMED_EVENTS).map(eventId).join(', ')}`;
}

function total(counts: Uint8Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** How often each event occurs. */
class Counts {
  private counts = new Uint8Array(1 << 16);

  add(id: string): void {
    const number = eventNumber(id);
    // Attacks send a few events of the same provider, with other ids.
    if (number === undefined) return;
    if (number >= MAX_EVENTS) throw new Error(`an event with the id ${id}, which was not sent`);
    if (number >= this.counts.length) {
      const grown = new Uint8Array((number + 1) * 2);
      grown.set(this.counts);
      this.counts = grown;
    }
    this.counts[number] = Math.min(MAX_COUNT, this.counts[number]! + 1);
  }

  /** How often each of the events that were sent occurs, and how many others occur. */
  of(sent: number): { readonly counts: Uint8Array; readonly unknown: number } {
    const counts = new Uint8Array(sent);
    counts.set(this.counts.subarray(0, sent));
    return { counts, unknown: this.counts.subarray(sent).filter((count) => count > 0).length };
  }
}

async function countInPostgres({ pool }: Target): Promise<Counts> {
  const counts = new Counts();
  const client = await pool.connect();
  try {
    const rows = client.query(
      copyTo(`COPY (SELECT telemetry_id FROM ride.telemetry WHERE provider_id = '${NEIGHBOUR}') TO STDOUT`),
    );
    for await (const id of createInterface({ input: rows, crlfDelay: Infinity })) counts.add(id);
    return counts;
  } finally {
    client.release();
  }
}

/**
 * Counts the events of the neighbour in the log while they are appended, so that the log may delete old segments meanwhile. A segment
 * that is deleted before it was read is missing in the counts.
 */
export class LogCounter implements AsyncDisposable {
  private readonly counts = new Counts();
  /** The next offset of each partition. After a rebalance, records are delivered again. */
  private readonly next = new Map<number, bigint>();
  private failure: Error | undefined;
  private onRead: () => void = () => undefined;

  private constructor(
    private readonly admin: PlainAdmin,
    private readonly consumer: PlainConsumer,
  ) {}

  static async start({ brokerAddress }: Target): Promise<LogCounter> {
    const client = plainClient(brokerAddress);
    const consumer = client.consumer({ groupId: `soak-${Date.now()}` });
    const counter = new LogCounter(client.admin(), consumer);
    await counter.admin.connect();
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) counter.fail(payload.error);
    });
    await consumer.run({
      eachBatch: ({ batch }) => {
        try {
          counter.count(batch);
        } catch (error) {
          // kafkajs would deliver the batch again, without end.
          counter.fail(error as Error);
        }
        return Promise.resolve();
      },
    });
    return counter;
  }

  /**
   * Resolves once all records that are in the log now were read.
   *
   * @throws Error if the consumer has ended, a batch could not be counted, or the end is not reached in time
   */
  async toEnd(): Promise<Counts> {
    const ends = await this.admin.fetchTopicOffsets(TOPIC);
    const unread = (): number[] =>
      ends
        .filter(({ partition, high }) => (this.next.get(partition) ?? 0n) < BigInt(high))
        .map(({ partition }) => partition);
    const late = setTimeout(() => {
      this.fail(new Error(`the ends of partitions ${unread().join(', ')} of ${TOPIC} were not read in time`));
    }, READ_WITHIN_MS);
    await new Promise<void>((resolve) => {
      this.onRead = () => {
        if (unread().length === 0 || this.failure !== undefined) resolve();
      };
      this.onRead();
    });
    clearTimeout(late);
    if (this.failure !== undefined) throw this.failure;
    return this.counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.disconnect();
    await this.admin.disconnect();
  }

  /** The first failure counts. */
  private fail(error: Error): void {
    this.failure ??= error;
    this.onRead();
  }

  private count(batch: PlainBatch): void {
    const next = this.next.get(batch.partition) ?? 0n;
    for (const { offset, value } of batch.messages) if (BigInt(offset) >= next) this.countRecord(value);
    // A partition may end with a record that is not a message: an offset without one counts as read.
    const after = BigInt(batch.lastOffset()) + 1n;
    if (after > next) this.next.set(batch.partition, after);
    this.onRead();
  }

  /** Records that are not events are hostile. */
  private countRecord(value: Buffer | null): void {
    if (value === null || !value.includes(NEIGHBOUR)) return;
    const { provider_id: provider, telemetry_id: id } = JSON.parse(value.toString()) as Record<
      string,
      unknown
    >;
    if (provider === NEIGHBOUR && typeof id === 'string') this.counts.add(id);
  }
}
