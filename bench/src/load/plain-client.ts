import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, type Batch, type Consumer, Kafka, logLevel } from 'kafkajs';

export { CompressionTypes, type Message } from 'kafkajs';

/** Partitions of each measured topic. */
const PARTITIONS = 12;
export const RECORD_BYTES = 200;

/** Time limit from a broker's start to its first acknowledgement. */
const FIRST_ACK_WITHIN_MS = 180_000;
const FIRST_ACK_POLL_MS = 20;
/** Time limit of an attempt, and maximum number of concurrent attempts. */
const ATTEMPT_MS = 5_000;
const MAX_ATTEMPTS = 20;

/** Time limit for the creation of a topic. */
const TOPIC_WITHIN_MS = 30_000;
const TOPIC_POLL_MS = 50;

export type PlainAdmin = Admin;
export type PlainBatch = Batch;
export type PlainConsumer = Consumer;

/** Unmodified kafkajs, so that the client contains no Hailstream code. */
export function plainClient(address: string): Kafka {
  return new Kafka({
    clientId: 'bench',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 10 },
  });
}

/** Runs a measurement on a new topic, and deletes the topic afterwards. */
export async function withTopic<T>(address: string, measure: (topic: string) => Promise<T>): Promise<T> {
  const topic = `bench-${randomUUID()}`;
  await makeTopic(address, topic);
  const result = await measure(topic);
  await withAdmin(address, (admin) => admin.deleteTopics({ topics: [topic] }));
  return result;
}

/** Creates a topic; resolves once it can be used. @throws Error if it cannot be created in time */
export async function makeTopic(address: string, topic: string): Promise<void> {
  const giveUpAt = performance.now() + TOPIC_WITHIN_MS;
  await withAdmin(address, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: false });
    for (;;) {
      try {
        await admin.fetchTopicMetadata({ topics: [topic] });
        return;
      } catch (cause) {
        // For a moment, Kafka reports that a new topic does not exist.
        if (performance.now() > giveUpAt) throw new Error(`${address} does not create a topic`, { cause });
        await delay(TOPIC_POLL_MS);
      }
    }
  });
}

async function withAdmin(address: string, use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = plainClient(address).admin();
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Incompressible values of equal size. */
export function makeValue(): Buffer {
  return randomBytes(RECORD_BYTES);
}

/**
 * Appends a record to an existing topic; resolves once it is acknowledged. A broker that is starting may accept a request
 * and never respond, so attempts overlap, and the first success counts.
 *
 * @throws Error if no attempt succeeds in time
 */
export async function firstAcknowledged(address: string, topic: string): Promise<void> {
  const giveUpAt = performance.now() + FIRST_ACK_WITHIN_MS;
  const underWay = new Set<Promise<void>>();
  let tellAcknowledged: () => void = () => undefined;
  const acknowledged = new Promise<'acknowledged'>((resolve) => {
    tellAcknowledged = () => resolve('acknowledged');
  });
  for (;;) {
    if (performance.now() > giveUpAt) throw new Error(`${address} acknowledged no record`);
    if (underWay.size < MAX_ATTEMPTS) {
      // A failed attempt was too early; another one may succeed.
      const attempt = appendOnce(address, topic).then(tellAcknowledged, () => undefined);
      underWay.add(attempt);
      void attempt.then(() => underWay.delete(attempt));
    }
    const result = await Promise.race([delay(FIRST_ACK_POLL_MS), acknowledged]);
    if (result === 'acknowledged') return;
  }
}

async function appendOnce(address: string, topic: string): Promise<void> {
  const producer = new Kafka({
    clientId: 'bench',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    connectionTimeout: ATTEMPT_MS,
    requestTimeout: ATTEMPT_MS,
    retry: { retries: 0 },
  }).producer();
  try {
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: [{ value: makeValue() }] });
  } finally {
    // The time of the disconnect is not measured.
    producer.disconnect().catch(() => undefined);
  }
}
