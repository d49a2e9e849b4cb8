import { kafkaClasspath, kafkaTool } from '@hailstream/tools/kafka';
import type { Row } from '../../harness/report.js';
import { alternate, comparison, sideResult } from '../../harness/rounds.js';
import { RECORD_BYTES, withTopic } from '../../load/plain-client.js';
import type { Effort } from '../../harness/suite.js';
import type { BrokerSide, Sides } from './sides.js';

/** Time limit of one run of a tool. */
const TOOL_TIMEOUT_MS = 10 * 60_000;
const TOOL_HEAP = '512m';

const PRODUCER = 'org.apache.kafka.tools.ProducerPerformance';
const CONSUMER = 'org.apache.kafka.tools.ConsumerPerformance';

/** Kafka's performance tools with the default client settings. Both brokers run. */
export async function measureJava(effort: Effort, sides: Sides, say: (what: string) => void): Promise<Row[]> {
  say('ProducerPerformance and ConsumerPerformance');
  const records = effort.rows * 10;
  const { subject, reference } = sides;
  const rounds = await alternate({
    rounds: effort.rounds,
    subject: () => javaRound(subject, records),
    reference: () => javaRound(reference, records),
  });
  const row = (name: string, pick: (round: JavaRound) => number): Row => ({
    kind: 'comparison',
    name,
    unit: 'records/s',
    target: { atLeast: 1 },
    result: comparison(
      sideResult(subject.name, rounds.subject.map(pick)),
      sideResult(reference.name, rounds.reference.map(pick)),
    ),
  });
  return [
    row('Java ProducerPerformance, acks=1', ({ acksOne }) => acksOne),
    row('Java ProducerPerformance, acks=all', ({ acksAll }) => acksAll),
    row('Java ConsumerPerformance', ({ consumed }) => consumed),
  ];
}

/** Records per second. */
interface JavaRound {
  readonly acksOne: number;
  readonly acksAll: number;
  readonly consumed: number;
}

async function javaRound(side: BrokerSide, records: number): Promise<JavaRound> {
  return withTopic(side.address, async (topic) => {
    const bytes = records * RECORD_BYTES;
    const acksOne = await produceWithJava({ side, topic, acks: '1', bytes });
    const acksAll = await produceWithJava({ side, topic, acks: 'all', bytes });
    return { acksOne, acksAll, consumed: await consumeWithJava(side, topic, 2 * records) };
  });
}

/** Produces values of this total size at maximum speed. @returns records per second */
export async function produceWithJava(options: {
  side: BrokerSide;
  topic: string;
  acks: '1' | 'all';
  bytes: number;
  /** @default 200 */
  recordBytes?: number;
}): Promise<number> {
  const { side, topic, acks, bytes, recordBytes = RECORD_BYTES } = options;
  const records = String(Math.ceil(bytes / recordBytes));
  const output = await run(PRODUCER, [
    ...['--bootstrap-server', side.address, '--topic', topic, '--command-property', `acks=${acks}`],
    ...['--num-records', records, '--record-size', String(recordBytes), '--throughput', '-1'],
  ]);
  const perSecond = new RegExp(`^${records} records sent, ([\\d.]+) records/sec`, 'm').exec(output)?.[1];
  if (perSecond === undefined) throw new Error(`not all records were sent:\n${output}`);
  return Number(perSecond);
}

async function consumeWithJava(side: BrokerSide, topic: string, records: number): Promise<number> {
  const output = await run(CONSUMER, [
    ...['--bootstrap-server', side.address, '--topic', topic],
    ...['--num-records', String(records), '--hide-header', '--reporting-interval', String(TOOL_TIMEOUT_MS)],
  ]);
  // start, end, MB consumed, MB/s, records consumed, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const columns = (output.trim().split('\n').at(-1) ?? '').split(', ');
  if (!(Number(columns[4]) >= records)) throw new Error(`not all records were consumed:\n${output}`);
  return Number(columns[5]);
}

async function run(mainClass: string, args: readonly string[]): Promise<string> {
  const options = { heap: TOOL_HEAP, timeoutMs: TOOL_TIMEOUT_MS };
  const { exitCode, stdout, stderr } = await kafkaTool(await kafkaClasspath(), mainClass, args, options);
  if (exitCode !== 0) throw new Error(`${mainClass} exited with code ${exitCode}:\n${stdout}${stderr}`);
  return stdout;
}
