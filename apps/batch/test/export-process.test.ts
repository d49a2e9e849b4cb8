import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { telemetryFamily } from '@hailstream/events';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  DAY_MS,
  makeTelemetry,
  toRecords,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const app = dirname(dirname(fileURLToPath(import.meta.url)));
const POINTS = 20_000;

let broker: TestBroker;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  // Processes run compiled code, because Nest needs constructor types that only the compiler emits.
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', app], { stdio: 'inherit' });
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  folder = await mkdtemp(join(tmpdir(), 'export-'));
  await using runner = await createLoadRunner(broker, database);
  await runner.migrate();
  const points = Array.from({ length: POINTS }, (_, index) =>
    makeTelemetry({ timestamp: YESTERDAY - DAY_MS + index * 8_000 }),
  );
  await append(broker, telemetryFamily.topic.name, toRecords(points));
  await runner.load(new AbortController().signal);
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function startExport(file: string) {
  const range = [
    '--from',
    new Date(YESTERDAY - DAY_MS).toISOString(),
    '--to',
    new Date(YESTERDAY + DAY_MS).toISOString(),
  ];
  const args = [
    'export',
    '--table',
    'telemetry',
    ...range,
    '--format',
    'csv',
    '--out',
    join(folder, file),
    '--json',
  ];
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), ...args], {
    env: { KAFKA_BROKERS: broker.address, DATABASE_URL: database.url },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  return { child, output, exited: once(child, 'close') };
}

/** Waits until the export has written rows of the first day, and cannot read the second one. */
async function withStalledExport(
  file: string,
  work: (running: ReturnType<typeof startExport>) => Promise<void>,
): Promise<void> {
  const holder = new pg.Client({ connectionString: database.url });
  await holder.connect();
  try {
    const secondDay = `telemetry_${new Date(YESTERDAY).toISOString().slice(0, 10).replaceAll('-', '')}`;
    await holder.query(`BEGIN; LOCK TABLE ride.${secondDay} IN ACCESS EXCLUSIVE MODE`);
    const running = startExport(file);
    await until(async () => {
      const partial = (await readdir(folder)).find((name) => name.startsWith(`${file}.partial-`));
      return partial !== undefined && (await stat(join(folder, partial))).size > 100_000;
    });
    await work(running);
  } finally {
    await holder.end();
  }
}

describe('main.js export', () => {
  it('writes the file, and prints the result', async () => {
    const { output, exited, child } = startExport('whole.csv');
    await exited;
    expect(output.stderr).toBe('');
    expect(child.exitCode).toBe(0);
    const path = join(folder, 'whole.csv');
    expect(JSON.parse(output.stdout)).toEqual({
      table: 'telemetry',
      format: 'csv',
      from: new Date(YESTERDAY - DAY_MS).toISOString(),
      to: new Date(YESTERDAY + DAY_MS).toISOString(),
      rows: POINTS,
      bytes: (await stat(path)).size,
      file: path,
      seconds: expect.any(Number) as number,
    });
  });

  it('leaves no file with the final name if it is killed', async () => {
    await withStalledExport('killed.csv', async ({ child, exited }) => {
      child.kill('SIGKILL');
      await exited;
      expect(await readdir(folder)).not.toContain('killed.csv');
    });
  });

  it('leaves no file at all if it is terminated', async () => {
    await withStalledExport('terminated.csv', async ({ child, exited, output }) => {
      child.kill('SIGTERM');
      await exited;
      expect(child.exitCode).toBe(1);
      expect(output.stderr).toContain('abort');
      expect((await readdir(folder)).filter((name) => name.startsWith('terminated'))).toEqual([]);
    });
  });
});
