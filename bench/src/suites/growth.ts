import {
  createAdmin,
  createProducer,
  createRangeReader,
  type Admin,
  type LogConnection,
  type LogRange,
  type OutgoingRecord,
  type Producer,
} from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import {
  cpuSeconds,
  residentMiB,
  startBrokerProcess,
  temporaryFolder,
  type SystemProcess,
} from '../harness/processes.js';
import type { Figure, Row } from '../harness/report.js';
import { inTurn, median } from '../harness/rounds.js';
import type { Effort, Suite } from '../harness/suite.js';
import { firstAcknowledged } from '../load/plain-client.js';

const PARTITION_COUNTS = [12, 120, 1_200] as const;
/** Records of one `send`, and sends that are under way at the same time. */
const SEND_RECORDS = 100;
const SENDS = 16;
const VALUE = Buffer.alloc(200, 'x');

/** Partitions of the log that grows, and the value of its records: small, so that 100 million of them fit on a disk. */
const LOG_PARTITIONS = 12;
const SMALL_VALUE = Buffer.alloc(10, 'x');
const FILL_SEND_RECORDS = 5_000;
const FIRST_SIZE = 100_000;
/** Records that are read at each size, unless the log has fewer. */
const READ_RECORDS = 1_000_000;
/** The largest log has this many times `--rows` records: 100 million by default. */
const LARGEST_SIZE_PER_ROW = 500;
/** Lookups of an offset by a timestamp. */
const LOOK_UPS = 20;

const logger = createLogger({ name: 'bench', level: 'warn' });

/** What a record costs as the number of partitions and the number of records in the log grow. */
export const growthSuite: Suite = { name: 'growth', run: measure };

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  return [...(await measurePartitions(effort, say)), ...(await measureSizes(effort, say))];
}

/** Processor time in µs. */
interface Cost {
  readonly client: number;
  readonly broker: number;
}

async function measurePartitions({ rounds, rows }: Effort, say: (what: string) => void): Promise<Figure[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(folder.path);
  const connection = { brokers: [broker.url], clientId: 'bench' };
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(PARTITION_COUNTS.map((partitions) => ({ name: topicOf(partitions), partitions })));
  await using producer = createProducer({ connection, logger });
  const appendTo = (partitions: number) => (): Promise<Cost> => {
    say(`appending ${rows} records to ${partitions} partitions`);
    return costOf(broker, rows, () => appendConcurrently(producer, topicOf(partitions), rows));
  };
  const readFrom = (partitions: number) => (): Promise<Cost> => {
    say(`reading ${rows} records of ${partitions} partitions`);
    return costOf(broker, rows, () =>
      readFirst({ connection, admin, topic: topicOf(partitions), count: rows }),
    );
  };
  const sides = (cost: (partitions: number) => () => Promise<Cost>) =>
    Object.fromEntries(PARTITION_COUNTS.map((partitions) => [partitions, cost(partitions)]));
  const appended = await inTurn(rounds, sides(appendTo));
  const read = await inTurn(rounds, sides(readFrom));
  return PARTITION_COUNTS.flatMap((partitions) => [
    ...costFigures(`append, ${partitions} partitions`, appended[partitions]!),
    ...costFigures(`read, ${partitions} partitions`, read[partitions]!),
  ]);
}

async function measureSizes({ rounds, rows }: Effort, say: (what: string) => void): Promise<Figure[]> {
  await using folder = await temporaryFolder();
  const figures: Figure[] = [];
  for (let size = FIRST_SIZE, before = 0; size <= rows * LARGEST_SIZE_PER_ROW; before = size, size *= 10) {
    say(`appending to a log of ${before.toLocaleString('en')} records, up to ${size.toLocaleString('en')}`);
    await using broker = await startBrokerProcess(folder.path);
    const connection = { brokers: [broker.url], clientId: 'bench' };
    await using admin = createAdmin({ connection, logger });
    await admin.ensureTopics([{ name: 'grown', partitions: LOG_PARTITIONS }]);
    const log = `log of ${size.toLocaleString('en')} records`;
    figures.push(...costFigures(`append, ${log}`, [await grow(broker, connection, size - before)]));
    figures.push(...(await measureReads({ connection, admin, broker, size, rounds, log })));
    figures.push(figure(`resident memory, ${log}: broker`, await residentMiB(broker.pid), 'MiB'));
    const startMs = await restartMs(broker, folder.path);
    figures.push(figure(`start to the first acknowledged record, ${log}`, startMs, 'ms'));
  }
  return figures;
}

/** Appends `count` records with a producer of its own. */
async function grow(broker: SystemProcess, connection: LogConnection, count: number): Promise<Cost> {
  await using producer = createProducer({ connection, logger });
  return await costOf(broker, count, () => fill(producer, count));
}

async function measureReads(of: {
  readonly broker: SystemProcess;
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly size: number;
  readonly rounds: number;
  readonly log: string;
}): Promise<Figure[]> {
  const { broker, connection, admin, size, rounds, log } = of;
  const reading = { connection, admin, topic: 'grown', count: Math.min(size, READ_RECORDS) };
  const reads = await inTurn(rounds, {
    first: () => costOf(broker, reading.count, () => readFirst(reading)),
    last: () => costOf(broker, reading.count, () => readLast(reading)),
  });
  const lookUps = await costOf(broker, LOOK_UPS, async () => {
    for (let look = 0; look < LOOK_UPS; look += 1) await admin.offsetsAt('grown', Date.now() - look * 500);
  });
  return [
    ...costFigures(`read the first records, ${log}`, reads.first),
    ...costFigures(`read the last records, ${log}`, reads.last),
    figure(`look up ${LOG_PARTITIONS} offsets by time, ${log}: broker`, lookUps.broker, 'µs'),
  ];
}

/** Stops the broker, and measures the time that another process needs with its folder. */
async function restartMs(broker: SystemProcess, folder: string): Promise<number> {
  await broker[Symbol.asyncDispose]();
  const startedAt = performance.now();
  const starting = startBrokerProcess(folder, Number(broker.url.split(':')[1]));
  await firstAcknowledged(broker.url, 'grown');
  const ms = performance.now() - startedAt;
  await using _ = await starting;
  return ms;
}

function topicOf(partitions: number): string {
  return `partitions-${partitions}`;
}

/** Processor time of this process and the broker for each of `count` records. */
async function costOf(broker: SystemProcess, count: number, work: () => Promise<void>): Promise<Cost> {
  const [clientBefore, brokerBefore] = [process.cpuUsage(), await cpuSeconds(broker.pid)];
  await work();
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    client: (user + system) / count,
    broker: (((await cpuSeconds(broker.pid)) - brokerBefore) * 1e6) / count,
  };
}

function costFigures(name: string, rounds: readonly Cost[]): Figure[] {
  return [
    figure(`${name}: client`, median(rounds.map(({ client }) => client)), 'µs per record'),
    figure(`${name}: broker`, median(rounds.map(({ broker }) => broker)), 'µs per record'),
  ];
}

function figure(name: string, value: number, unit: string): Figure {
  return { kind: 'figure', name, value, unit, target: null };
}

/** Appends records with different keys. */
async function appendConcurrently(producer: Producer, topic: string, count: number): Promise<void> {
  let left = count;
  const append = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(SEND_RECORDS, left);
      const first = left;
      left -= size;
      await appendAll(
        producer,
        Array.from({ length: size }, (_, index) => ({ topic, key: `device-${first - index}`, value: VALUE })),
      );
    }
  };
  await Promise.all(Array.from({ length: SENDS }, append));
}

/** Appends small records to all partitions. */
async function fill(producer: Producer, count: number): Promise<void> {
  for (let left = count; left > 0; left -= FILL_SEND_RECORDS) {
    const records = Array.from({ length: Math.min(FILL_SEND_RECORDS, left) }, (_, index) => ({
      topic: 'grown',
      key: null,
      value: SMALL_VALUE,
      partition: index % LOG_PARTITIONS,
    }));
    await appendAll(producer, records);
  }
}

async function appendAll(producer: Producer, records: readonly OutgoingRecord[]): Promise<void> {
  const failed = (await producer.send(records)).find((delivery) => delivery.kind === 'failed');
  if (failed !== undefined) throw failed.error;
}

interface Reading {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly topic: string;
  readonly count: number;
}

function readFirst(reading: Reading): Promise<void> {
  return read(reading, ({ earliest }, share) => [earliest, earliest + share]);
}

function readLast(reading: Reading): Promise<void> {
  return read(reading, ({ latest }, share) => [latest - share, latest]);
}

/** Reads as many records of each partition as its share of `count`, unless it has fewer. */
async function read(
  { connection, admin, topic, count }: Reading,
  rangeOf: (offsets: { earliest: bigint; latest: bigint }, share: bigint) => [from: bigint, to: bigint],
): Promise<void> {
  const partitions = [...(await admin.offsets(topic))];
  const share = BigInt(Math.ceil(count / partitions.length));
  const ranges = partitions.map(([partition, offsets]): LogRange => {
    const [from, to] = rangeOf(offsets, share);
    const { earliest, latest } = offsets;
    return { topic, partition, from: from < earliest ? earliest : from, to: to > latest ? latest : to };
  });
  await using reader = createRangeReader({ connection, logger });
  let records = 0;
  for await (const batch of await reader.readRange({ ranges, isolation: 'read_uncommitted' })) {
    records += batch.records.length;
  }
  if (records < count * 0.9) throw new Error(`${records} of ${count} records were read`);
}
