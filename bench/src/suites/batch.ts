import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import {
  childrenCpuSeconds,
  cpuSeconds,
  runToEnd,
  startBrokerProcess,
  temporaryFolder,
  treeCpuSeconds,
} from '../harness/processes.js';
import { comparison, inTurn, sideResult } from '../harness/rounds.js';
import { TelemetrySource } from '../harness/telemetry.js';
import type { Row } from '../harness/report.js';
import type { Effort, Suite } from '../harness/suite.js';

const FILL_BATCH = 1_000;
const BATCH = 'apps/batch/dist/main.js';

/** A batch run against `COPY` of the same rows from files into the same tables with the same indexes. */
export const batchSuite: Suite = {
  name: 'batch',
  run: measure,
};

/** What both sides use. */
export interface LoadSetting {
  readonly client: Client;
  /** Process id of Postgres. */
  readonly server: number;
  readonly rows: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Rows per second, and processor time per row, in microseconds. */
export interface LoadRound {
  readonly perSecond: number;
  /** With aggregates and trips; the same for `COPY`, which has none. */
  readonly perSecondInAll: number;
  readonly cpuMicros: number;
}

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the broker and Postgres');
  await using broker = await startBrokerProcess(join(folder.path, 'broker'));
  await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
  say(`filling the log with ${effort.rows} telemetry records`);
  await fillLog(broker.url, effort.rows);
  const env = { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url };
  await runToEnd(BATCH, ['run', '--json'], env);
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const setting = { client, server: postgres.pid, rows: effort.rows, env };
    const rows = { table: 'ride.telemetry', file: join(folder.path, 'telemetry.copy') };
    const ids = { table: 'ride.telemetry_seen', file: join(folder.path, 'seen.copy') };
    for (const { table, file } of [rows, ids]) {
      const copied = client.query(copyTo(`COPY (SELECT * FROM ${table}) TO STDOUT (FORMAT binary)`));
      await pipeline(copied, createWriteStream(file));
    }
    say('batch run and COPY from files, alternating');
    const rounds = await inTurn(effort.rounds, {
      batch: () => loadRows(setting),
      rowsAndIds: () => copyRows(setting, [rows, ids]),
      rowsOnly: () => copyRows(setting, [rows]),
    });
    return resultRows(rounds);
  } finally {
    await client.end();
  }
}

function resultRows(
  rounds: Readonly<Record<'batch' | 'rowsAndIds' | 'rowsOnly', readonly LoadRound[]>>,
): Row[] {
  const side = (name: keyof typeof rounds, label: string, pick: keyof LoadRound) =>
    sideResult(
      label,
      rounds[name].map((round) => round[pick]),
    );
  const both = 'COPY of the rows and their ids';
  const compared = (
    name: string,
    pick: keyof LoadRound,
    reference: 'rowsAndIds' | 'rowsOnly',
    atLeast?: number,
  ): Row => ({
    kind: 'comparison',
    name,
    unit: pick === 'cpuMicros' ? 'µs' : 'rows/s',
    target: atLeast === undefined ? null : { atLeast },
    result: comparison(
      side('batch', 'batch run', pick),
      side(reference, reference === 'rowsAndIds' ? both : 'COPY of the rows alone', pick),
    ),
  });
  return [
    compared('batch, log to table', 'perSecond', 'rowsAndIds', 0.6),
    compared('batch, log to table', 'perSecond', 'rowsOnly', 0.6),
    compared('batch, log to table, with aggregates and trips', 'perSecondInAll', 'rowsAndIds'),
    compared(
      'batch and Postgres, with aggregates and trips, processor time per row',
      'cpuMicros',
      'rowsAndIds',
    ),
  ];
}

export async function fillLog(brokers: string, rows: number): Promise<void> {
  const connection = { brokers: [brokers], clientId: 'bench' };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger });
  const source = new TelemetrySource();
  for (let sent = 0; sent < rows; sent += FILL_BATCH) {
    const points = source.batch(Math.min(FILL_BATCH, rows - sent));
    const deliveries = await producer.send(
      points.map((point) => ({
        topic: telemetryFamily.topic.name,
        key: telemetryFamily.key(point),
        value: Buffer.from(JSON.stringify(point)),
      })),
    );
    const failed = deliveries.find((delivery) => delivery.kind === 'failed');
    if (failed !== undefined) throw failed.error;
  }
}

/** The load itself as the run reports it, and all that follows it: without the time of a run that has nothing to load. */
export async function loadRows({ client, server, rows, env }: LoadSetting): Promise<LoadRound> {
  await client.query(
    'TRUNCATE ride.telemetry, ride.telemetry_seen, ride.log_positions, ride.vehicle_marks, ride.stale_quarters',
  );
  await client.query('CHECKPOINT');
  const full = await timedRun(server, env);
  if (full.rows !== rows) throw new Error(`expected the run to load ${rows} rows, got ${full.rows}`);
  const empty = await timedRun(server, env);
  return {
    perSecond: rows / full.loadSeconds,
    perSecondInAll: rows / (full.wallSeconds - empty.wallSeconds),
    cpuMicros: ((full.cpuSeconds - empty.cpuSeconds) * 1e6) / rows,
  };
}

async function timedRun(server: number, env: LoadSetting['env']) {
  const cpuAtStart = await allCpuSeconds(server);
  const startedAt = performance.now();
  const output = await runToEnd(BATCH, ['run', '--json'], env);
  const summary = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { rows: number; seconds: number };
  return {
    rows: summary.rows,
    loadSeconds: summary.seconds,
    wallSeconds: (performance.now() - startedAt) / 1_000,
    cpuSeconds: (await allCpuSeconds(server)) - cpuAtStart,
  };
}

/** Processor time of the runs that have ended, and of Postgres. */
async function allCpuSeconds(server: number): Promise<number> {
  return (await childrenCpuSeconds(process.pid)) + (await serverCpuSeconds(server));
}

/** Processor time of Postgres, with that of connections that were closed. */
export async function serverCpuSeconds(server: number): Promise<number> {
  return (await treeCpuSeconds(server)) + (await childrenCpuSeconds(server));
}

/** Copies files into their tables in one transaction. */
async function copyRows(
  { client, server, rows }: LoadSetting,
  copies: readonly { readonly table: string; readonly file: string }[],
): Promise<LoadRound> {
  await client.query('TRUNCATE ride.telemetry, ride.telemetry_seen');
  await client.query('CHECKPOINT');
  const cpu = async (): Promise<number> => (await serverCpuSeconds(server)) + (await cpuSeconds(process.pid));
  const cpuAtStart = await cpu();
  const startedAt = performance.now();
  await client.query('BEGIN');
  for (const { table, file } of copies) {
    await pipeline(
      createReadStream(file),
      client.query(copyFrom(`COPY ${table} FROM STDIN (FORMAT binary)`)),
    );
  }
  await client.query('COMMIT');
  const perSecond = (rows * 1_000) / (performance.now() - startedAt);
  return { perSecond, perSecondInAll: perSecond, cpuMicros: (((await cpu()) - cpuAtStart) * 1e6) / rows };
}
