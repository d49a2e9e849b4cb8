import { randomUUID } from 'node:crypto';
import { saturate } from '../../harness/load.js';
import type { Row } from '../../harness/report.js';
import { compare } from '../../harness/rounds.js';
import { makeValue, plainClient, RECORD_BYTES, withTopic } from '../../load/plain-client.js';
import type { Effort } from '../../harness/suite.js';
import { produceWithJava } from './java.js';
import type { BrokerSide, Sides } from './sides.js';

/** In-flight sends of one producer. */
const CALLERS = 8;
const BATCHES = [1, 100, 1_000];
/** Time limit for a consumer to read all records. */
const CONSUMED_WITHIN_MS = 120_000;

/** The producer and consumer of kafkajs with default settings. Both brokers run. */
export async function measureKafkajs(
  effort: Effort,
  { subject, reference }: Sides,
  say: (what: string) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  const row = { kind: 'comparison', unit: 'records/s', target: { atLeast: 1 } } as const;
  for (const size of BATCHES) {
    say(`kafkajs, ${size} messages per send`);
    const side = (broker: BrokerSide) => ({
      name: broker.name,
      measure: () => producedPerSecond(broker.address, size, effort.roundMs),
    });
    const result = await compare({
      rounds: effort.rounds,
      subject: side(subject),
      reference: side(reference),
    });
    rows.push({ ...row, name: `kafkajs producer, ${size} messages per send, acks=1`, result });
  }
  const records = effort.rows * 5;
  say(`kafkajs, consuming ${records} records`);
  const side = (broker: BrokerSide) => ({
    name: broker.name,
    measure: () => consumedPerSecond(broker, records),
  });
  const result = await compare({ rounds: effort.rounds, subject: side(subject), reference: side(reference) });
  return [...rows, { ...row, name: 'kafkajs consumer', result }];
}

async function producedPerSecond(address: string, size: number, durationMs: number): Promise<number> {
  return withTopic(address, async (topic) => {
    const producer = plainClient(address).producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const messages = Array.from({ length: size }, () => ({ value: makeValue() }));
    try {
      await producer.send({ topic, acks: 1, messages });
      const operation = async (): Promise<void> => {
        await producer.send({ topic, acks: 1, messages });
      };
      return (await saturate({ durationMs, concurrency: CALLERS, operation })).perSecond * size;
    } finally {
      await producer.disconnect();
    }
  });
}

/** Reads a filled topic from the first record to the last. */
async function consumedPerSecond(side: BrokerSide, records: number): Promise<number> {
  return withTopic(side.address, async (topic) => {
    await produceWithJava({ side, topic, acks: '1', bytes: records * RECORD_BYTES });
    const consumer = plainClient(side.address).consumer({ groupId: `bench-${randomUUID()}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    let left = records;
    let counted = 0;
    let firstAt = 0;
    try {
      const lastAt = await new Promise<number>((resolve, reject) => {
        const late = setTimeout(() => {
          reject(new Error(`${left} of ${records} records were not consumed`));
        }, CONSUMED_WITHIN_MS);
        const eachBatch = ({ batch }: { batch: { messages: readonly unknown[] } }): Promise<void> => {
          // The first batch starts the clock and is not counted, because the time of its request is unknown.
          if (firstAt === 0) firstAt = performance.now();
          else counted += batch.messages.length;
          left -= batch.messages.length;
          if (left === 0) {
            clearTimeout(late);
            resolve(performance.now());
          }
          return Promise.resolve();
        };
        consumer.run({ eachBatch }).catch(reject);
      });
      return (counted * 1_000) / (lastAt - firstAt);
    } finally {
      await consumer.disconnect();
    }
  });
}
