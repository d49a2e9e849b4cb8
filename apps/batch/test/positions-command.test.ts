import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { telemetryFamily } from '@hailstream/events';
import { deleteRecords, startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { append, createTestDatabase, makeTrack, toRecords, type TestDatabase } from './_util.js';

const app = dirname(dirname(fileURLToPath(import.meta.url)));
const topic = telemetryFamily.topic.name;
let broker: TestBroker;
let database: TestDatabase;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of stdout. */
  json<T>(): T;
}

beforeAll(() => {
  // Processes run compiled code, because Nest needs constructor types that only the compiler emits.
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', app], { stdio: 'inherit' });
}, 240_000);

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), ...args], {
    env: { KAFKA_BROKERS: broker.address, DATABASE_URL: database.url, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  return { child, output, closed: once(child, 'close') };
}

async function batch(...args: string[]): Promise<Ended> {
  const { child, output, closed } = start(args);
  await closed;
  return {
    ...output,
    code: child.exitCode,
    json: <T>() => JSON.parse(output.stdout.trim().split('\n').at(-1)!) as T,
  };
}

/** All records of one device are in one partition. */
const device = makeTrack({ points: 400, devices: 1 });

async function replaceLog(): Promise<void> {
  await broker[Symbol.asyncDispose]();
  broker = await startTestBroker();
}

// Each command is a process, whose start takes seconds on a busy machine.
const options = { timeout: 180_000 };

describe('main.js positions', options, () => {
  interface Shown {
    readonly positions: readonly {
      readonly topic: string;
      readonly partition: number;
      readonly position: number | null;
      readonly logStart: number;
      readonly logEnd: number;
      readonly stored: { readonly clusterId: string } | null;
      readonly present: { readonly clusterId: string } | null;
      readonly verdict: string;
    }[];
  }

  it('shows refused positions and resets them', async () => {
    await append(broker, topic, toRecords(device.slice(0, 100)));
    expect((await batch('run')).code).toBe(0);
    const ok = await batch('positions', 'show', '--json');
    expect(ok.code).toBe(0);
    expect(new Set(ok.json<Shown>().positions.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    await replaceLog();
    await append(broker, topic, toRecords(device.slice(100)));

    const run = await batch('run', '--json');
    expect(run.code).toBe(1);
    expect(run.json()).toMatchObject({ outcome: 'failed', code: 'POSITIONS_REFUSED' });
    expect(run.stderr).toContain(
      `batch:     npm run batch -- positions reset --topic ${topic} --to earliest`,
    );

    const shown = await batch('positions', 'show', '--topic', topic, '--json');
    expect(shown.code).toBe(1);
    const refused = shown.json<Shown>().positions.filter(({ verdict }) => verdict === 'other-cluster');
    expect(refused).toHaveLength(1);
    expect(refused[0]).toMatchObject({ topic, position: 100, logStart: 0, logEnd: 300 });
    expect(refused[0]!.stored!.clusterId).not.toBe(refused[0]!.present!.clusterId);

    const unconfirmed = await batch('positions', 'reset', '--topic', topic);
    expect(unconfirmed.code).toBe(1);
    expect(unconfirmed.stderr).toContain('100 -> 0');
    expect(unconfirmed.stderr).toContain('no changes were made: add --yes');
    expect((await batch('run')).code).toBe(1);

    expect((await batch('positions', 'reset', '--topic', topic, '--yes')).code).toBe(0);
    expect((await batch('run', '--json')).json()).toMatchObject({ outcome: 'complete', rows: 300 });
  });

  it('adopts positions only for a log with the same records', async () => {
    await append(broker, topic, toRecords(device.slice(0, 100)));
    await batch('run');
    await replaceLog();
    await append(broker, topic, toRecords(device.slice(200, 400)));
    expect((await batch('positions', 'adopt', '--all', '--yes')).code).toBe(0);
    const run = await batch('run', '--json');
    expect(run.json()).toMatchObject({ outcome: 'failed', code: 'POSITIONS_REFUSED' });
    expect(run.stderr).toContain('the record at offset 99 is not the one that was loaded from there');
    await batch('positions', 'adopt', '--topic', topic, '--force', '--yes');
    expect((await batch('run', '--json')).json()).toMatchObject({ outcome: 'complete', rows: 100 });
  });

  it('does not adopt a position beyond the end of the log', async () => {
    await append(broker, topic, toRecords(device.slice(0, 100)));
    await batch('run');
    await replaceLog();
    await append(broker, topic, toRecords(device.slice(0, 10)));
    const adopted = await batch('positions', 'adopt', '--topic', topic, '--yes');
    expect(adopted.code).toBe(1);
    expect(adopted.stderr).toContain('position 100 is beyond the end of the log (10)');
  });
});

describe('main.js run', options, () => {
  it('exits with 2 and reports records that were deleted before they were loaded', async () => {
    await append(broker, topic, toRecords(device.slice(0, 10)));
    await batch('run');
    const position = 'SELECT partition FROM ride.log_positions WHERE topic = $1 AND next_offset > 0';
    const partition = await database.one<number>(position, [topic]);
    await append(broker, topic, toRecords(device.slice(10, 110)));
    await deleteRecords(broker, { topic, partition, offset: 50n });
    const run = await batch('run', '--json');
    expect(run.code).toBe(2);
    expect(run.json()).toMatchObject({
      outcome: 'incomplete',
      lost: 40,
      rows: 60,
      topics: { [topic]: { lost: 40, lostByPartition: { [partition]: 40 }, from: 10, to: 110 } },
    });
    expect(run.stderr).toContain('the log deleted records before they were loaded');
    expect((await batch('run')).code).toBe(0);
  });

  it('reports that a file was sent twice', async () => {
    await append(broker, topic, toRecords(device));
    await batch('run');
    await append(broker, topic, toRecords(device));
    const { code, stdout } = await batch('run');
    expect(code).toBe(0);
    expect(stdout).toContain('400 duplicates: events that had been loaded before');
  });
});

describe('the service', options, () => {
  it('is not ready and refuses to load until the positions are reset', async () => {
    await append(broker, topic, toRecords(device.slice(0, 100)));
    await batch('run');
    await replaceLog();
    await append(broker, topic, toRecords(device.slice(100)));
    const { child, output, closed } = start([], { BATCH_EVERY: '1s' });
    try {
      await until(() => /"url":"([^"]+)"/.test(output.stdout));
      const url = /"url":"([^"]+)"/.exec(output.stdout)![1]!;
      const metric = async (name: string): Promise<number> => {
        const metrics = await (await fetch(`${url}/metrics`)).text();
        return Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(metrics)?.[1] ?? 0);
      };
      await until(async () => (await metric('batch_runs_total{outcome="failed"}')) >= 3);
      expect(await metric('batch_positions_refused')).toBe(1);
      expect(await metric('batch_lag_records')).toBe(300);
      const ready = await fetch(`${url}/health/ready`);
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({
        checks: { loads: { reason: expect.stringContaining('belong to another cluster') as string } },
      });
      const { runs } = (await (await fetch(`${url}/runs`)).json()) as { runs: { status: string }[] };
      expect(runs.some(({ status }) => status === 'failed')).toBe(true);
      await batch('positions', 'reset', '--topic', topic, '--yes');
      await until(async () => (await metric(`batch_rows_total{topic="${topic}"}`)) === 300);
      await until(async () => (await fetch(`${url}/health/ready`)).status === 200);
      expect(await metric('batch_positions_refused')).toBe(0);
    } finally {
      child.kill('SIGKILL');
      await closed;
    }
  });
});
