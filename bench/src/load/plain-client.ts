import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, logLevel } from 'kafkajs';

/** Partitions of every topic that is measured. */
export const PARTITIONS = 12;
export const RECORD_BYTES = 200;

/** Longest that a broker may take from its launch to its first acknowledgement. */
const FIRST_ACK_WITHIN_MS = 180_000;
const FIRST_ACK_POLL_MS = 5;

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

/** Tries to append a record to a topic that is there until it is acknowledged. @throws Error where it never is */
export async function firstAcknowledged(address: string, topic: string): Promise<void> {
  const giveUpAt = performance.now() + FIRST_ACK_WITHIN_MS;
  const value = makeValue();
  for (;;) {
    const producer = new Kafka({
      clientId: 'bench',
      brokers: [address],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    }).producer({ retry: { retries: 0 } });
    try {
      await producer.connect();
      await producer.send({ topic, acks: -1, messages: [{ value }] });
      return;
    } catch (cause) {
      // Not listening, or not ready: tried again until FIRST_ACK_WITHIN_MS have passed.
      if (performance.now() > giveUpAt) throw new Error(`${address} acknowledged nothing`, { cause });
      await delay(FIRST_ACK_POLL_MS);
    } finally {
      await producer.disconnect();
    }
  }
}
