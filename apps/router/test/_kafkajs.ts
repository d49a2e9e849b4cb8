import { randomUUID } from 'node:crypto';
import { until } from '@hailstream/service/testing';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';

/** Marks the end of what is read. */
const SENTINEL = 'sentinel';

/** A record and its partition. */
export type ReadMessage = KafkaMessage & { readonly partition: number };

/** All committed records of a topic, in the order of each partition, as kafkajs's consumer reads them. */
export async function readCommitted(
  { address }: { readonly address: string },
  topic: string,
): Promise<ReadMessage[]> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition);
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const key = `${SENTINEL}-${randomUUID()}`;
  await producer.send({ topic, messages: partitions.map((partition) => ({ key, value: '', partition })) });
  await producer.disconnect();
  const consumer = kafka.consumer({ groupId: randomUUID(), readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const read: ReadMessage[] = [];
  await consumer.run({
    eachMessage: async ({ partition, message }) => void read.push({ ...message, partition }),
  });
  await until(() => read.filter((message) => message.key?.toString() === key).length === partitions.length);
  await consumer.disconnect();
  return read.filter((message) => !message.key?.toString().startsWith(SENTINEL));
}

/** Deletes the offsets of a group, as their expiry does. */
export async function deleteGroup({ address }: { readonly address: string }, groupId: string): Promise<void> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteGroups([groupId]);
  await admin.disconnect();
}

/** Number of members of a group. */
export async function membersOf({ address }: { readonly address: string }, groupId: string): Promise<number> {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { groups } = await admin.describeGroups([groupId]);
  await admin.disconnect();
  return groups.reduce((sum, { members }) => sum + members.length, 0);
}
