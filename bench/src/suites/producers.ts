import { createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { kafkaClasspath, startKafka } from '@hailstream/tools/kafka';
import { saturate } from '../harness/load.js';
import type { Row } from '../harness/report.js';
import { alternate, comparison, sideResult } from '../harness/rounds.js';
import type { Effort, Suite } from '../harness/suite.js';
import { makeTopic, makeValue, plainClient } from '../load/plain-client.js';

const KAFKA_HEAP = '1g';
const TOPIC = 'bench.producers';
/** Records of one `send`. */
const SIZES = [100, 1_000];
/** Sends of one producer that are under way. */
const CALLERS = 8;

const ACKS_FROM_ALL_IN_SYNC = -1;
const TARGET = { atLeast: 3 } as const;

/** The producer of `libs/log` and that of kafkajs alone, both idempotent, on the same Apache Kafka. */
export const producersSuite: Suite = {
  name: 'producers',
  prepare: async () => {
    await kafkaClasspath();
  },
  run: measure,
};

interface Round {
  readonly perSecond: number;
  /** Records for a second of processor time of this process. */
  readonly perCpuSecond: number;
}

/** Appends records, and fails if one is not acknowledged. */
type Send = (size: number) => Promise<void>;

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  say('starting Apache Kafka');
  await using kafka = await startKafka({ brokers: 1, heap: KAFKA_HEAP });
  const address = kafka.addresses[0]!;
  await makeTopic(address, TOPIC);
  const records = Array.from({ length: Math.max(...SIZES) }, (_, n) => ({
    topic: TOPIC,
    key: Buffer.from(`key-${n}`),
    value: makeValue(),
  }));
  const connection = { brokers: [address], clientId: 'bench' };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using own = createProducer({ connection, logger });
  const plain = plainClient(address).producer({ idempotent: true, allowAutoTopicCreation: false });
  await plain.connect();
  const sendOwn: Send = async (size) => {
    for (const result of await own.send(records.slice(0, size)))
      if (result.kind === 'failed') throw result.error;
  };
  const sendPlain: Send = async (size) => {
    await plain.send({ topic: TOPIC, acks: ACKS_FROM_ALL_IN_SYNC, messages: records.slice(0, size) });
  };
  const rows: Row[] = [];
  for (const size of SIZES) {
    say(`${size} records per send`);
    const { subject, reference } = await alternate({
      rounds: effort.rounds,
      subject: () => measureRound(effort, size, sendOwn),
      reference: () => measureRound(effort, size, sendPlain),
    });
    const row = (unit: string, pick: (round: Round) => number): Row => ({
      kind: 'comparison',
      name: `producer, ${size} records per send, acks=all`,
      unit,
      target: TARGET,
      result: comparison(
        sideResult('libs/log', subject.map(pick)),
        sideResult('kafkajs', reference.map(pick)),
      ),
    });
    rows.push(
      row('records/s', ({ perSecond }) => perSecond),
      row('records per second of processor time', ({ perCpuSecond }) => perCpuSecond),
    );
  }
  await plain.disconnect();
  return rows;
}

async function measureRound({ roundMs }: Effort, size: number, send: Send): Promise<Round> {
  let sent = 0;
  const before = process.cpuUsage();
  const { perSecond } = await saturate({
    durationMs: roundMs,
    concurrency: CALLERS,
    operation: async () => {
      await send(size);
      sent += size;
    },
  });
  const { user, system } = process.cpuUsage(before);
  return { perSecond: perSecond * size, perCpuSecond: (sent * 1e6) / (user + system) };
}
