import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { telemetryFamily } from '@hailstream/events';
import { KAFKA_CONNECT_JDBC, kafkaConnectClasspath } from '@hailstream/tools/kafka';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import { runToEnd, startBrokerProcess, startProgram, temporaryFolder } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { comparison, inTurn, sideResult } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { plainClient, type PlainAdmin } from '../../load/plain-client.js';
import { fillLog, loadRows, serverCpuSeconds, type LoadRound, type LoadSetting } from '../batch.js';
import { measureDelivery, measureUntilCommitted, untilAssigned } from '../router/delivery.js';
import type { DeliveryFigures } from '../router/delivery.js';
import { KafkaConnect, RENAMED_COLUMNS } from './connect.js';
import { buildPeer, PEER_NAME } from './sides.js';

const JOB = fileURLToPath(new URL('../../../reference/benthos/jobs/sql.yaml', import.meta.url));
/** All members of a group are in its first generation. */
const GROUP_SETTINGS = ['group.initial.rebalance.delay.ms=1000'];

/** A program that inserts the events of the log into a table. */
interface Peer {
  readonly name: string;
  readonly table: string;
  /** Builds or downloads it. */
  install(): Promise<string>;
}
const PEERS = {
  benthos: { name: PEER_NAME, table: 'peer.telemetry_benthos', install: buildPeer },
  connect: { name: KAFKA_CONNECT_JDBC, table: 'peer.telemetry_connect', install: kafkaConnectClasspath },
} as const satisfies Record<string, Peer>;
type PeerKey = keyof typeof PEERS;

/** Batch against peers that insert the same events into tables with the same columns and indexes. */
export const peersBatchSuite: Suite = {
  name: 'peers-batch',
  prepare: async () => {
    // A peer that cannot be installed is reported by its rows.
    await Promise.all([install('benthos'), install('connect')]);
  },
  run: measure,
};

/** What all peers use. */
interface PeerSetting extends LoadSetting {
  readonly admin: PlainAdmin;
  /** URLs of the broker and of Postgres. */
  readonly broker: string;
  readonly sink: string;
}

/** The program or class path of a peer, or why it cannot be measured. */
type Installed = { readonly path: string } | { readonly missing: string };

async function install(key: PeerKey): Promise<Installed> {
  try {
    return { path: await PEERS[key].install() };
  } catch (error) {
    return { missing: (error as Error).message.replaceAll(/\s+/g, ' ') };
  }
}

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  const installed = { benthos: await install('benthos'), connect: await install('connect') };
  for (const key of ['benthos', 'connect'] as const) {
    const peer = installed[key];
    if ('missing' in peer) say(`${PEERS[key].name} is not measured: ${peer.missing}`);
  }
  await using folder = await temporaryFolder();
  say('starting the broker and Postgres');
  await using broker = await startBrokerProcess(join(folder.path, 'broker'), undefined, GROUP_SETTINGS);
  await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
  say(`filling the log with ${effort.rows} telemetry records`);
  await fillLog(broker.url, effort.rows);
  const env = { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url };
  await runToEnd('apps/batch/dist/main.js', ['run', '--json'], env);
  const client = new Client({ connectionString: postgres.url });
  const admin = plainClient(broker.url).admin();
  await Promise.all([client.connect(), admin.connect()]);
  try {
    await createTables(client);
    const load = { client, server: postgres.pid, rows: effort.rows, env };
    const setting = { ...load, admin, broker: broker.url, sink: postgres.url };
    const { benthos } = installed;
    await using connect =
      'path' in installed.connect
        ? await KafkaConnect.start({ broker: broker.url, folder: folder.path })
        : undefined;
    const sides = {
      batch: () => loadRows(setting),
      ...('path' in benthos && {
        benthos: () => insertRows(setting, 'benthos', (given) => deliverByBenthos(benthos.path, given)),
      }),
      ...(connect && {
        connect: () => insertRows(setting, 'connect', (given) => deliverByConnect(connect, given)),
      }),
    };
    // Java compiles for longer than the warm-up round.
    await sides.connect?.();
    say('batch run and peers, alternating');
    const rounds = await inTurn<string, LoadRound>(effort.rounds, sides);
    return resultRows(installed, rounds);
  } finally {
    await Promise.all([client.end(), admin.disconnect()]);
  }
}

async function createTables(client: Client): Promise<void> {
  await client.query('CREATE SCHEMA peer');
  for (const { table } of Object.values(PEERS)) {
    await client.query(`CREATE TABLE ${table} (LIKE ride.telemetry INCLUDING INDEXES)`);
    // The peers do not calculate cells.
    await client.query(`ALTER TABLE ${table} ALTER h3_cell DROP NOT NULL`);
  }
  for (const [column, name] of RENAMED_COLUMNS)
    await client.query(`ALTER TABLE ${PEERS.connect.table} RENAME ${column} TO ${name}`);
}

function resultRows(
  installed: Readonly<Record<PeerKey, Installed>>,
  rounds: Readonly<Record<string, readonly LoadRound[]>>,
): Row[] {
  const compared = (key: PeerKey, name: string, pick: keyof LoadRound, atLeast?: number): Row => {
    const reference = PEERS[key].name;
    const target = atLeast === undefined ? null : { atLeast };
    const peer = installed[key];
    if ('missing' in peer) return { kind: 'unmeasured', name, reference, target, reason: peer.missing };
    const side = (label: string, measured: readonly LoadRound[] = []) =>
      sideResult(
        label,
        measured.map((round) => round[pick]),
      );
    return {
      kind: 'comparison',
      name,
      unit: pick === 'cpuMicros' ? 'µs' : 'rows/s',
      target,
      result: comparison(side('batch run', rounds['batch']), side(reference, rounds[key])),
    };
  };
  return (['benthos', 'connect'] as const).flatMap((key) => [
    compared(key, 'batch, log to table', 'perSecond', 2),
    compared(key, 'batch, log to table, with aggregates and trips', 'perSecondInAll'),
    compared(key, 'batch and Postgres, with aggregates and trips, processor time per row', 'cpuMicros'),
  ]);
}

/** One delivery of the log into the table of a peer, from when the peer has its partitions until it has committed the last position. */
async function insertRows(
  setting: PeerSetting,
  key: PeerKey,
  deliver: (setting: PeerSetting) => Promise<DeliveryFigures>,
): Promise<LoadRound> {
  const { client, server, rows } = setting;
  const { name, table } = PEERS[key];
  await client.query(`TRUNCATE ${table}`);
  await client.query('CHECKPOINT');
  const serverAtStart = await serverCpuSeconds(server);
  const figures = await deliver(setting);
  const serverSeconds = (await serverCpuSeconds(server)) - serverAtStart;
  const { rows: counted } = await client.query<{ rows: number }>(
    `SELECT count(*)::integer AS rows FROM ${table}`,
  );
  if (counted[0]!.rows !== rows) throw new Error(`${name} inserted ${counted[0]!.rows} of ${rows} rows`);
  const perSecond = figures.recordsPerSecond;
  const cpuMicros = figures.cpuSecondsPerMillion + (serverSeconds * 1e6) / rows;
  return { perSecond, perSecondInAll: perSecond, cpuMicros };
}

/** A process for each delivery, which ends with it. */
async function deliverByBenthos(
  program: string,
  { admin, broker, sink, rows }: PeerSetting,
): Promise<DeliveryFigures> {
  const topic = telemetryFamily.topic.name;
  const groupId = `peer-${performance.now()}`;
  await using delivery = startProgram({
    command: program,
    args: [JOB],
    env: { BROKER: broker, TOPIC: topic, GROUP: groupId, SINK: sink, TABLE: PEERS.benthos.table },
  });
  return await measureDelivery(delivery, { admin, topic, groupId, records: rows });
}

/** A connector for each delivery, all in one process, whose code is compiled after the warm-up round. */
async function deliverByConnect(
  connect: KafkaConnect,
  { admin, sink, rows }: PeerSetting,
): Promise<DeliveryFigures> {
  await using connector = await connect.addSink({ sink, table: PEERS.connect.table });
  const { groupId } = connector;
  const progress = { admin, topic: telemetryFamily.topic.name, groupId, records: rows };
  const measured = untilAssigned(progress).then(() => measureUntilCommitted(connect.pid, progress));
  return await Promise.race([measured, connector.failed]);
}
