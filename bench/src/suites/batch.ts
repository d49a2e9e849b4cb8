import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createProducer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { startPostgres } from '@hailstream/tools/postgres';
import { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { runToEnd, startBrokerProcess, temporaryFolder } from '../harness/processes.js';
import { compare } from '../harness/rounds.js';
import { TelemetrySource } from '../harness/telemetry.js';
import type { Row } from '../harness/report.js';
import type { Effort, Suite } from '../harness/suite.js';

const FILL_BATCH = 1_000;

/** A batch run against `COPY` of the same rows from a file into the same table with the same indexes. */
export const batchSuite: Suite = {
  name: 'batch',
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the broker and Postgres');
  await using broker = await startBrokerProcess(join(folder.path, 'broker'));
  await using postgres = await startPostgres({ dataDir: join(folder.path, 'postgres'), port: 0 });
  say(`filling the log with ${effort.rows} telemetry records`);
  await fillLog(broker.url, effort.rows);
  const env = { KAFKA_BROKERS: broker.url, DATABASE_URL: postgres.url };
  await runToEnd('apps/batch/dist/main.js', ['run', '--json'], env);
  const file = join(folder.path, 'telemetry.copy');
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    const copied = client.query(copyTo('COPY (SELECT * FROM ride.telemetry) TO STDOUT'));
    await pipeline(copied, createWriteStream(file));
    say('batch run and COPY from a file, alternating');
    const result = await compare({
      rounds: effort.rounds,
      subject: { name: 'batch run', measure: () => batchRowsPerSecond(client, effort.rows, env) },
      reference: { name: 'COPY from a file', measure: () => copyRowsPerSecond(client, effort.rows, file) },
    });
    return [
      { kind: 'comparison', name: 'batch, log to table', unit: 'rows/s', target: { atLeast: 0.6 }, result },
    ];
  } finally {
    await client.end();
  }
}

async function fillLog(brokers: string, rows: number): Promise<void> {
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

/** The duration of the run, without the start of its process. */
async function batchRowsPerSecond(
  client: Client,
  rows: number,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  await client.query('TRUNCATE ride.telemetry, ride.telemetry_seen, ride.log_positions');
  await client.query('CHECKPOINT');
  const output = await runToEnd('apps/batch/dist/main.js', ['run', '--json'], env);
  const summary = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { rows: number; seconds: number };
  if (summary.rows !== rows) throw new Error(`expected the run to load ${rows} rows, got ${summary.rows}`);
  return rows / summary.seconds;
}

async function copyRowsPerSecond(client: Client, rows: number, file: string): Promise<number> {
  await client.query('TRUNCATE ride.telemetry');
  await client.query('CHECKPOINT');
  const startedAt = performance.now();
  await pipeline(createReadStream(file), client.query(copyFrom('COPY ride.telemetry FROM STDIN')));
  return (rows * 1_000) / (performance.now() - startedAt);
}
