import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';

/** Partitions of every topic that is measured. */
export const PARTITIONS = 12;
export const RECORD_BYTES = 200;

/** Longest that a broker may take from its launch to its first acknowledgement. */
const FIRST_ACK_WITHIN_MS = 180_000;
const FIRST_ACK_POLL_MS = 20;
/** Longest that one attempt may take, and how many there may be at once. */
const ATTEMPT_MS = 5_000;
const MAX_ATTEMPTS = 20;

/** Longest that a topic may take to be there. */
const TOPIC_WITHIN_MS = 30_000;
const TOPIC_POLL_MS = 50;

/** kafkajs as it comes, so that nothing of ours is on the client's side. */
export function plainClient(address: string): Kafka {
  return new Kafka({
    clientId: 'bench',
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 10 },
  });
}

/** Gives a topic of its own to what measures, and takes it away afterwards. */
export async function withTopic<T>(address: string, measure: (topic: string) => Promise<T>): Promise<T> {
  const topic = `bench-${randomUUID()}`;
  await makeTopic(address, topic);
  const result = await measure(topic);
  await withAdmin(address, (admin) => admin.deleteTopics({ topics: [topic] }));
  return result;
}

/** Makes a topic that stays; resolves once it can be used. @throws Error where it never can */
export async function makeTopic(address: string, topic: string): Promise<void> {
  const giveUpAt = performance.now() + TOPIC_WITHIN_MS;
  await withAdmin(address, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: false });
    for (;;) {
      try {
        await admin.fetchTopicMetadata({ topics: [topic] });
        return;
      } catch (cause) {
        // Kafka says of a new topic that it does not exist, for a moment.
        if (performance.now() > giveUpAt) throw new Error(`${address} does not make a topic`, { cause });
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

/** Values that don't compress and are all alike in size. */
export function makeValue(): Buffer {
  return randomBytes(RECORD_BYTES);
}

/**
 * Appends a record to a topic that is there; resolves once it is acknowledged. A broker that starts may take a request
 * and never answer it: a new attempt is made all the while, and the first that gets through counts.
 *
 * @throws Error where none does
 */
export async function firstAcknowledged(address: string, topic: string): Promise<void> {
  const giveUpAt = performance.now() + FIRST_ACK_WITHIN_MS;
  const underWay = new Set<Promise<void>>();
  let tellAcknowledged: () => void = () => undefined;
  const acknowledged = new Promise<'acknowledged'>((resolve) => {
    tellAcknowledged = () => resolve('acknowledged');
  });
  for (;;) {
    if (performance.now() > giveUpAt) throw new Error(`${address} acknowledged nothing`);
    if (underWay.size < MAX_ATTEMPTS) {
      // One that fails was too early: the next, or another that is under way, may get through.
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
    // The acknowledgement is what counts, and not how long it takes to part.
    producer.disconnect().catch(() => undefined);
  }
}
