import { createInterface } from 'node:readline';
import { to as copyTo } from 'pg-copy-streams';
import type { SentEvents } from '../../../load/neighbour.js';
import { eventId, eventNumber } from '../../../load/numbered-events.js';
import { plainClient } from '../../../load/plain-client.js';
import { NEIGHBOUR, type Target } from '../target/target.js';

const TOPIC = 'ride.telemetry';
/** Missing events that a failure names. */
const NAMED_EVENTS = 5;
const MAX_COUNT = 255;

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
export async function checkDelivery(target: Target, sent: SentEvents): Promise<Delivery> {
  const acknowledged = Buffer.from(sent.acknowledged, 'base64');
  const log = await countInLog(target, sent.sent);
  const rows = await countInPostgres(target, sent.sent);
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
  readonly counts: Uint8Array;
  /** Ids that are not of an event that was sent. */
  unknown = 0;

  constructor(sent: number) {
    this.counts = new Uint8Array(sent);
  }

  add(id: string): void {
    const number = eventNumber(id);
    // Attacks send a few events of the same provider, with other ids.
    if (number === undefined) return;
    if (number < this.counts.length) this.counts[number] = Math.min(MAX_COUNT, this.counts[number]! + 1);
    else this.unknown += 1;
  }
}

async function countInPostgres({ pool }: Target, sent: number): Promise<Counts> {
  const counts = new Counts(sent);
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

async function countInLog({ brokerAddress }: Target, sent: number): Promise<Counts> {
  const counts = new Counts(sent);
  const client = plainClient(brokerAddress);
  const admin = client.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(TOPIC);
  await admin.disconnect();
  const open = new Set(ends.filter(({ low, high }) => low !== high).map(({ partition }) => partition));
  const lastOffsets = new Map(ends.map(({ partition, high }) => [partition, BigInt(high) - 1n]));
  const consumer = client.consumer({ groupId: `soak-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    consumer
      .run({
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) count(counts, value);
          // A partition may end with a record that is not a message: an offset without one counts as read.
          if (BigInt(batch.lastOffset()) >= lastOffsets.get(batch.partition)!) open.delete(batch.partition);
          if (open.size === 0) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return counts;
}

/** Records that are not events are hostile. */
function count(counts: Counts, value: Buffer | null): void {
  if (value === null || !value.includes(NEIGHBOUR)) return;
  const { provider_id: provider, telemetry_id: id } = JSON.parse(value.toString()) as Record<string, unknown>;
  if (provider === NEIGHBOUR && typeof id === 'string') counts.add(id);
}
