import { kafkaClasspath } from '@hailstream/tools/kafka';
import type { Row } from '../../harness/report.js';
import { temporaryFolder } from '../../harness/processes.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { measureFootprint } from './footprint.js';
import { measureJava } from './java.js';
import { measureKafkajs } from './kafkajs.js';
import { measureLatency } from './latency.js';
import { startApacheKafka, startEmbedded } from './sides.js';

/** The embedded broker against Apache Kafka, with the same clients, on the same machine. */
export const brokerSuite: Suite = {
  name: 'broker',
  prepare: async () => {
    await kafkaClasspath();
  },
  run: measure,
};

/** In the order in which they run: the last one stops the brokers. */
const JOBS = {
  java: measureJava,
  kafkajs: measureKafkajs,
  latency: measureLatency,
  footprint: measureFootprint,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the embedded broker and Apache Kafka');
  await using reference = await startApacheKafka();
  await using subject = await startEmbedded(folder.path);
  const sides = { subject, reference };
  const rows: Row[] = [];
  for (const [job, measureJob] of Object.entries(JOBS)) {
    if (job.includes(effort.job ?? '')) rows.push(...(await measureJob(effort, sides, say)));
  }
  return rows;
}
