import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { telemetryFamily } from '@hailstream/events';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import { runToEnd, startBrokerProcess, startProgram, temporaryFolder } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { comparison, inTurn, sideResult } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { plainClient, type PlainAdmin } from '../../load/plain-client.js';
import { fillLog, loadRows, serverCpuSeconds, type LoadRound, type LoadSetting } from '../batch.js';
import { measureDelivery } from '../router/delivery.js';
import { buildPeer, PEER_NAME } from './sides.js';

const JOB = fileURLToPath(new URL('../../../reference/benthos/jobs/sql.yaml', import.meta.url));
/** All members of a group are in its first generation. */
const GROUP_SETTINGS = ['group.initial.rebalance.delay.ms=1000'];
const PEER_TABLE = 'peer.telemetry';

/** Batch against the Benthos engine, which inserts the same events into a table with the same columns and indexes. */
export const peersBatchSuite: Suite = {
  name: 'peers-batch',
  prepare: async () => {
    await buildPeer();
  },
  run: measure,
};

interface Peer extends LoadSetting {
  readonly program: string;
  readonly admin: PlainAdmin;
  /** URLs of the broker and of Postgres. */
  readonly broker: string;
  readonly sink: string;
}

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  const program = await buildPeer();
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
    await client.query('CREATE SCHEMA peer');
    await client.query(`CREATE TABLE ${PEER_TABLE} (LIKE ride.telemetry INCLUDING INDEXES)`);
    // The peer does not calculate cells.
    await client.query(`ALTER TABLE ${PEER_TABLE} ALTER h3_cell DROP NOT NULL`);
    const setting = { client, server: postgres.pid, rows: effort.rows, env };
    const peer = { ...setting, program, admin, broker: broker.url, sink: postgres.url };
    say(`batch run and ${PEER_NAME}, alternating`);
    const rounds = await inTurn(effort.rounds, {
      batch: () => loadRows(setting),
      peer: () => insertRows(peer),
    });
    return resultRows(rounds);
  } finally {
    await Promise.all([client.end(), admin.disconnect()]);
  }
}

function resultRows(rounds: Readonly<Record<'batch' | 'peer', readonly LoadRound[]>>): Row[] {
  const compared = (name: string, pick: keyof LoadRound, atLeast?: number): Row => ({
    kind: 'comparison',
    name,
    unit: pick === 'cpuMicros' ? 'µs' : 'rows/s',
    target: atLeast === undefined ? null : { atLeast },
    result: comparison(
      sideResult(
        'batch run',
        rounds.batch.map((round) => round[pick]),
      ),
      sideResult(
        PEER_NAME,
        rounds.peer.map((round) => round[pick]),
      ),
    ),
  });
  return [
    compared('batch, log to table', 'perSecond', 2),
    compared('batch, log to table, with aggregates and trips', 'perSecondInAll'),
    compared('batch and Postgres, with aggregates and trips, processor time per row', 'cpuMicros'),
  ];
}

/** One delivery of the log, from when the peer has its partitions until it has committed the last position. */
async function insertRows({ client, server, rows, program, admin, broker, sink }: Peer): Promise<LoadRound> {
  await client.query(`TRUNCATE ${PEER_TABLE}`);
  await client.query('CHECKPOINT');
  const topic = telemetryFamily.topic.name;
  const groupId = `peer-${performance.now()}`;
  const serverAtStart = await serverCpuSeconds(server);
  await using delivery = startProgram({
    command: program,
    args: [JOB],
    env: { BROKER: broker, TOPIC: topic, GROUP: groupId, SINK: sink, TABLE: PEER_TABLE },
  });
  const figures = await measureDelivery(delivery, { admin, topic, groupId, records: rows });
  const serverSeconds = (await serverCpuSeconds(server)) - serverAtStart;
  const { rows: counted } = await client.query<{ rows: number }>(
    `SELECT count(*)::integer AS rows FROM ${PEER_TABLE}`,
  );
  if (counted[0]!.rows !== rows) throw new Error(`${PEER_NAME} inserted ${counted[0]!.rows} of ${rows} rows`);
  const perSecond = figures.recordsPerSecond;
  const cpuMicros = figures.cpuSecondsPerMillion + (serverSeconds * 1e6) / rows;
  return { perSecond, perSecondInAll: perSecond, cpuMicros };
}
