import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogConnection } from '@hailstream/log';
import { buildGoProgram } from '../../harness/go-programs.js';
import {
  startBrokerProcess,
  startHttpProcess,
  startProgram,
  startScript,
  temporaryFolder,
  type Program,
} from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { alternate, comparison, sideResult } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { plainClient, type PlainAdmin } from '../../load/plain-client.js';
import { measureDelivery, type DeliveryFigures } from './delivery.js';
import { measuredJobs, routerFile, type MeasuredJob, type SinkAddresses } from './jobs.js';
import { measureOutage, outages } from './outage.js';
import { ACCESS_KEY, BUCKET, startObjectStorage, type ObjectStorage } from './sinks.js';
import { fillSource } from './source.js';

const REFERENCE_NAME = 'Benthos 4.60';
const referenceFolder = fileURLToPath(new URL('../../../reference/benthos', import.meta.url));
const WEBHOOK_SECRET = 'a secret of this benchmark';

/** All members of a group are in its first generation, as with the default of Apache Kafka, 3,000 ms. */
const GROUP_SETTINGS = ['group.initial.rebalance.delay.ms=1000'];

/** Records of the source for each row of the effort. */
const RECORDS_PER_ROW = 5;

/** The router against the Benthos engine, with the same source, the same sinks and batches of the same size. */
export const routerSuite: Suite = {
  name: 'router',
  prepare: async () => {
    await buildReference();
  },
  run: measure,
};

function buildReference(): Promise<string> {
  return buildGoProgram({ name: 'router-reference', folder: referenceFolder });
}

/** What all deliveries share. */
interface Setting {
  readonly folder: string;
  readonly program: string;
  readonly connection: LogConnection;
  readonly admin: PlainAdmin;
  readonly target: PlainAdmin;
  readonly objects: ObjectStorage;
  readonly addresses: SinkAddresses;
  /** Topics of the source by the number of their records. */
  readonly topics: ReadonlyMap<number, string>;
}

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  const program = await buildReference();
  await using folder = await temporaryFolder();
  say('starting two brokers, versitygw and an HTTP server that accepts everything');
  await using source = await startBrokerProcess(join(folder.path, 'source'), undefined, GROUP_SETTINGS);
  await using target = await startBrokerProcess(join(folder.path, 'target'));
  await using objects = await startObjectStorage();
  await using accepting = await startHttpProcess({
    script: 'bench/dist/load/accepting-server.js',
    env: {},
    readyPath: '/',
  });
  const connection = { brokers: [source.url], clientId: 'bench' };
  const isSelected = ({ name }: { readonly name: string }) => name.includes(effort.job ?? '');
  const jobs = measuredJobs.filter(isSelected);
  const all = effort.rows * RECORDS_PER_ROW;
  const counts = new Set([all, ...jobs.map(({ share }) => all * share)]);
  say(`filling topics with ${[...counts].join(' and ')} records`);
  const topics = await fillSource(connection, [...counts]);
  const [sourceAdmin, targetAdmin] = [source, target].map(({ url }) => plainClient(url).admin());
  const admins = [sourceAdmin!, targetAdmin!] as const;
  await Promise.all(admins.map((admin) => admin.connect()));
  try {
    const setting = {
      folder: folder.path,
      program,
      connection,
      admin: admins[0],
      target: admins[1],
      objects,
      addresses: { objectStorage: objects.endpoint, http: accepting.url, kafka: target.url },
      topics,
    };
    const rows: Row[] = [];
    for (const job of jobs) {
      say(job.name);
      rows.push(...(await compareJob(effort, job, setting)));
    }
    for (const outage of outages.filter(isSelected)) {
      say(outage.name);
      const topic = topics.get(all)!;
      const { folder: path, admin } = setting;
      const rounds = {
        folder: path,
        brokers: [source.url],
        admin,
        topic,
        records: all,
        accepting: accepting.url,
      };
      rows.push(...(await measureOutage(outage, effort.rounds, rounds)));
    }
    return rows;
  } finally {
    await Promise.all(admins.map((admin) => admin.disconnect()));
  }
}

async function compareJob(effort: Effort, job: MeasuredJob, setting: Setting): Promise<Row[]> {
  const records = effort.rows * RECORDS_PER_ROW * job.share;
  let round = 0;
  const side = (deliver: typeof deliverByRouter) => async () => {
    round += 1;
    const name = `${job.reference.replace('.yaml', '')}-${round}`;
    const figures = await deliver(job, { name, records, topic: setting.topics.get(records)! }, setting);
    await setting.objects.clear(name);
    if (job.reference === 'kafka.yaml') await setting.target.deleteTopics({ topics: [name] });
    return figures;
  };
  const { subject, reference } = await alternate({
    rounds: effort.rounds,
    subject: side(deliverByRouter),
    reference: side(deliverByReference),
  });
  const of = (pick: (figures: DeliveryFigures) => number) =>
    comparison(sideResult('router', subject.map(pick)), sideResult(REFERENCE_NAME, reference.map(pick)));
  return [
    {
      kind: 'comparison',
      name: `router, ${job.name}`,
      unit: 'records/s',
      target: { atLeast: 1 },
      result: of(({ recordsPerSecond }) => recordsPerSecond),
    },
    {
      kind: 'comparison',
      name: `router, ${job.name}, processor time per million records`,
      unit: 's',
      target: null,
      result: of(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion),
    },
  ];
}

interface Delivered {
  readonly name: string;
  readonly topic: string;
  readonly records: number;
}

async function deliverByRouter(
  job: MeasuredJob,
  { name, topic, records }: Delivered,
  { folder, connection, addresses, admin }: Setting,
): Promise<DeliveryFigures> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(file, routerFile(job, { addresses, name, topic }));
  await using router: Program = startScript('apps/router/dist/main.js', ['run', '--config', file], {
    ...ACCESS_KEY,
    WEBHOOK_SECRET,
    KAFKA_BROKERS: connection.brokers.join(),
  });
  return await measureDelivery(router, { admin, topic, groupId: `router-${name}`, records });
}

async function deliverByReference(
  job: MeasuredJob,
  { name, topic, records }: Delivered,
  { program, connection, addresses, admin, target }: Setting,
): Promise<DeliveryFigures> {
  if (job.reference === 'kafka.yaml') {
    const numPartitions = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.length;
    await target.createTopics({ topics: [{ topic: name, numPartitions }] });
  }
  await using reference = startProgram({
    command: program,
    args: [join(referenceFolder, 'jobs', job.reference)],
    env: {
      ...ACCESS_KEY,
      WEBHOOK_KEY: WEBHOOK_SECRET,
      BROKER: connection.brokers[0]!,
      TOPIC: topic,
      GROUP: name,
      SINK: job.sinkOf(addresses),
      BUCKET,
      CLUSTER: 'source',
      TARGET_TOPIC: name,
    },
  });
  return await measureDelivery(reference, { admin, topic, groupId: name, records });
}
