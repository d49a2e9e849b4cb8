import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createProducer, type LogConnection, type Producer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { TelemetrySource } from '../../harness/telemetry.js';

/** Records of one `send`, as from ingest under load. */
const SEND_RECORDS = 500;
const CONCURRENT_SENDS = 8;

/**
 * Creates a topic for each number of records and appends as many points of telemetry to it. Returns their names; the one with
 * most records is the topic of telemetry.
 */
export async function fillSource(
  connection: LogConnection,
  counts: readonly number[],
): Promise<ReadonlyMap<number, string>> {
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(eventRegistry.topics);
  const { name, partitions } = telemetryFamily.topic;
  const most = Math.max(...counts);
  const topics = new Map(counts.map((count) => [count, count === most ? name : `${name}.${count}`]));
  await admin.ensureTopics([...topics.values()].map((topic) => ({ name: topic, partitions })));
  await using producer = createProducer({ connection, logger });
  for (const [records, topic] of topics) await fill(producer, topic, records);
  return topics;
}

async function fill(producer: Producer, topic: string, records: number): Promise<void> {
  const source = new TelemetrySource();
  let left = records;
  const send = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(SEND_RECORDS, left);
      left -= count;
      const points = source.batch(count).map((point) => ({
        topic,
        key: telemetryFamily.key(point),
        value: Buffer.from(JSON.stringify(point)),
      }));
      const failed = (await producer.send(points)).find((result) => result.kind === 'failed');
      if (failed) throw failed.error;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_SENDS }, send));
}
