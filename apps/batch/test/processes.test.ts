import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deadLetterTopic, telemetryFamily } from '@hailstream/events';
import { createAdmin, createRangeReader, DeadLetterIndex } from '@hailstream/log';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  append,
  connectionTo,
  createLoadRunner,
  createTestDatabase,
  makeTelemetry,
  makeTrack,
  readDeadLetters,
  silent,
  toRecords,
  type TestDatabase,
} from './_util.js';

const app = dirname(dirname(fileURLToPath(import.meta.url)));

let broker: TestBroker;
let database: TestDatabase;
const children: ChildProcess[] = [];

beforeAll(() => {
  // Processes run compiled code, because Nest needs constructor types that only the compiler emits.
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', app], { stdio: 'inherit' });
}, 120_000);

beforeEach(async () => {
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Running {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), ...args], {
    env: { KAFKA_BROKERS: broker.address, DATABASE_URL: database.url, PORT: '0', ...env },
  });
  children.push(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  const exited = once(child, 'close').then(() => child.exitCode);
  return { child, exited, stdout: () => output.stdout, stderr: () => output.stderr };
}

async function countTelemetry(): Promise<number> {
  const [table] = await database.query(`SELECT to_regclass('ride.telemetry') IS NOT NULL AS exists`);
  return table?.['exists'] === true ? Number(await database.one('SELECT count(*) FROM ride.telemetry')) : 0;
}

describe('main.js run', () => {
  it('loads once, and prints the result', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 2_000, devices: 20 })));
    const { exited, stdout, stderr } = run(['run', '--json']);
    expect(await exited).toBe(0);
    expect(JSON.parse(stdout().trim().split('\n').at(-1)!)).toMatchObject({
      topics: { [telemetryFamily.topic.name]: { rows: 2_000, from: 0, to: 2_000 } },
      rows: 2_000,
      seconds: expect.any(Number) as number,
    });
    expect(stderr()).toContain('loading: 2000 of 2000 records');
  });

  it('loads every row once although it was killed during a load', async () => {
    const track = makeTrack({ points: 30_000, devices: 100 });
    const twice = track.flatMap((point, index) => (index % 10 === 0 ? [point, point] : [point]));
    await append(broker, telemetryFamily.topic.name, toRecords(twice));
    const killed = run(['run'], { BATCH_CHUNK_RECORDS: '50' });
    await until(async () => (await countTelemetry()) > 0);
    killed.child.kill('SIGKILL');
    await killed.exited;
    const before = await countTelemetry();
    expect(before).toBeLessThan(30_000);
    const again = run(['run', '--json']);
    expect(await again.exited).toBe(0);
    expect(await countTelemetry()).toBe(30_000);
    expect((JSON.parse(again.stdout()) as { rows: number }).rows).toBeLessThanOrEqual(30_000 - before);
    expect(await database.one('SELECT sum(records)::integer FROM ride.duplicates')).toBe(3_000);
  });

  it('loads every row and every reject once although it was killed after it had written a dead letter', async () => {
    await using runner = await createLoadRunner(broker, database);
    await runner.migrate();
    // The commit waits for a lock that this test holds.
    await database.query(
      `CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
       CREATE TRIGGER wait BEFORE UPDATE OF next_offset ON ride.log_positions FOR EACH ROW
         WHEN (NEW.topic = 'ride.telemetry') EXECUTE FUNCTION public.wait()`,
    );
    const points = toRecords(makeTrack({ points: 20, devices: 1 }));
    const bad = { key: points[0]!.key, value: Buffer.from('not JSON') };
    await append(broker, telemetryFamily.topic.name, [...points.slice(0, 10), bad, ...points.slice(10)]);
    const holder = new pg.Client({ connectionString: database.url });
    holder.on('error', () => {});
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(1)');
    const killed = run(['run']);
    const waiting = `SELECT count(*)::integer FROM pg_locks JOIN pg_database ON pg_database.oid = database
       WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted`;
    await until(async () => (await database.one<number>(waiting)) === 1);
    expect(await readDeadLetters(broker)).toMatchObject([{ topic: telemetryFamily.topic.name, offset: 10n }]);
    killed.child.kill('SIGKILL');
    await killed.exited;
    await holder.end();
    expect(await database.query('SELECT FROM ride.telemetry')).toEqual([]);

    expect(await run(['run']).exited).toBe(0);
    expect(await readDeadLetters(broker)).toMatchObject([{ offset: 10n }, { offset: 10n }]);
    expect(await database.query('SELECT "offset", consumer_group FROM ride.rejects')).toEqual([
      { offset: '10', consumer_group: 'hailstream-batch' },
    ]);
    expect(await countTelemetry()).toBe(20);
    expect(await database.one('SELECT count(DISTINCT telemetry_id)::integer FROM ride.telemetry')).toBe(20);
  });

  it('reports invalid arguments', async () => {
    const noDatabase = run(['run'], { DATABASE_URL: '' });
    const unknown = run(['walk']);
    const option = run(['erase', 'rider']);
    const help = run(['--help'], { DATABASE_URL: '' });
    const helpOf = run(['positions', '--help'], { DATABASE_URL: '' });
    const exitCodes = await Promise.all(
      [noDatabase, unknown, option, help, helpOf].map(({ exited }) => exited),
    );
    expect(exitCodes).toEqual([1, 2, 2, 0, 0]);
    expect(noDatabase.stderr()).toMatch(/^batch: DATABASE_URL: expected .*\n$/);
    expect(unknown.stderr()).toMatch(
      /^batch: unknown command: walk\n"npm run batch -- help" lists the commands\n$/,
    );
    expect(option.stderr()).toMatch(/^batch: .*'rider'.*\nerase --rider UUID .*\n( {4}.*\n)+$/);
    expect(help.stdout()).toMatch(/^usage: npm run batch(.|\n)*positions show(.|\n)*positions reset/);
    expect(helpOf.stdout()).toMatch(/^positions show (.|\n)*\npositions reset (.|\n)*\npositions adopt /);
    expect(helpOf.stdout()).not.toContain('erase');
  });
});

describe('main.js migrate', () => {
  it('creates the schema once with concurrent processes, and loads nothing', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 10, devices: 1 })));
    const several = [run(['migrate']), run(['migrate']), run(['migrate'])];
    expect(await Promise.all(several.map(({ exited }) => exited))).toEqual([0, 0, 0]);
    const applied = several.flatMap(({ stdout }) => stdout().match(/^applied .*$/gm) ?? []);
    const recorded = await database.query('SELECT name FROM ride.hailstream_migrations');
    expect(applied.toSorted()).toEqual(recorded.map(({ name }) => `applied ${String(name)}`).toSorted());
    expect(several[0]!.stdout()).toMatch(/the schema is up to date\n$/);
    expect(await countTelemetry()).toBe(0);
  });
});

describe('the service', () => {
  async function listening(service: Running): Promise<string> {
    await until(() => /"url":"([^"]+)"/.test(service.stdout()));
    return /"url":"([^"]+)"/.exec(service.stdout())![1]!;
  }

  it('loads on its schedule, logs it, and shuts down gracefully on SIGTERM', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 3 })));
    const service = run([], { BATCH_EVERY: '1s' });
    const url = await listening(service);
    await until(async () => (await countTelemetry()) === 300);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 11, devices: 3 })));
    await until(async () => (await countTelemetry()) === 311);
    await until(async () =>
      (await (await fetch(`${url}/metrics`)).text()).includes('batch_rows_total{topic="ride.telemetry"} 311'),
    );
    // Metrics are updated with each committed chunk; the run's record is completed shortly after.
    const runsOfEleven = async () => {
      const { runs } = (await (await fetch(`${url}/runs`)).json()) as { runs: { rows?: number }[] };
      return runs.filter(({ rows }) => rows === 11).length;
    };
    await until(async () => (await runsOfEleven()) > 0);
    expect(await runsOfEleven()).toBe(1);
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('exports its lag, and NaN if the lag is unknown', async () => {
    const service = run([], { BATCH_EVERY: '31d' });
    const url = await listening(service);
    const lag = async () =>
      /^batch_lag_records (.*)$/m.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    await until(async () => (await lag()) === '0');
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 123, devices: 3 })));
    await until(async () => (await lag()) === '123');
    await broker.stop();
    await until(async () => (await lag()) === 'Nan');
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('reports not ready while Postgres is unreachable', async () => {
    const service = run([], { BATCH_EVERY: '1s', DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' });
    const url = await listening(service);
    await until(() => service.stdout().includes('migrations failed, will retry'));
    const ready = await fetch(`${url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      checks: { postgres: { status: 'error' }, log: { status: 'ok' } },
    });
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('logs repeated failures at a limited rate, and their number once a load completes', async () => {
    const service = run([], { BATCH_EVERY: '1s' });
    const url = await listening(service);
    const runs = async (outcome: string): Promise<number> => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return Number(new RegExp(`batch_runs_total\\{outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0);
    };
    await until(async () => (await runs('succeeded')) > 0);
    await broker.kill();
    await until(async () => (await runs('failed')) > 2);
    await broker.restart();
    await until(() => /"failures":\d+,.*"msg":"load completed"/.test(service.stdout()));
    expect(service.stdout().match(/load failed, will retry/g)?.length).toBeLessThan(await runs('failed'));
    expect(Number(/"failures":(\d+),.*"msg":"load completed"/.exec(service.stdout())?.[1])).toBe(
      await runs('failed'),
    );
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('retries a load that failed for a transient reason before the next scheduled start', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 3 })));
    await broker.kill();
    const service = run([], { BATCH_EVERY: '31d' });
    await listening(service);
    await until(() => service.stdout().includes('load failed, will retry'));
    await broker.restart();
    await until(async () => (await countTelemetry()) === 300);
    service.child.kill('SIGTERM');
    expect(await service.exited).toBe(0);
  });

  it('shares the log with a concurrent one-shot run, which exits', async () => {
    const service = run([], { BATCH_EVERY: '1s', BATCH_CHUNK_RECORDS: '100' });
    await listening(service);
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 20_000, devices: 100 })));
    const oneShot = run(['run', '--json'], { BATCH_CHUNK_RECORDS: '100' });
    expect(await oneShot.exited).toBe(0);
    expect(await countTelemetry()).toBe(20_000);
    const { topics } = JSON.parse(oneShot.stdout()) as { topics: Record<string, { to: number }> };
    expect(topics[telemetryFamily.topic.name]!.to).toBe(20_000);
  });
});

describe('main.js verify', () => {
  it('prints the result, and its exit code is 1 if the tables differ from the log', async () => {
    await append(broker, telemetryFamily.topic.name, toRecords(makeTrack({ points: 300, devices: 10 })));
    expect(await run(['run']).exited).toBe(0);
    const agrees = run(['verify', '--json']);
    expect(await agrees.exited).toBe(0);
    expect(agrees.stdout()).not.toContain('"partitions"');
    const detailed = run(['verify', '--json', '--partitions']);
    expect(await detailed.exited).toBe(0);
    expect(detailed.stdout()).toContain('"partitions"');
    expect(agrees.stderr()).toContain('comparing: 300 of 300 records');
    expect(JSON.parse(agrees.stdout().trim().split('\n').at(-1)!)).toMatchObject({
      ok: true,
      topics: { [telemetryFamily.topic.name]: { log: 300, rows: 300, rejects: 0, missing: 0, extra: 0 } },
    });
    const id = await database.one<string>(
      'DELETE FROM ride.telemetry WHERE ctid = (SELECT ctid FROM ride.telemetry LIMIT 1) RETURNING telemetry_id',
    );
    const differs = run(['verify', '--topic', telemetryFamily.topic.name]);
    expect(await differs.exited).toBe(1);
    expect(differs.stdout()).toMatch(
      /^topic +records +rows +repeats +rejects +removed +missing +extra\nride.telemetry +300 +299 +0 +0 +0 +1 +0\n/,
    );
    expect(differs.stdout()).toContain(id);
    expect(differs.stdout()).toMatch(/NOT OK: compared in [\d.]+ s\n$/);
  });

  it('exits with 2 for invalid options, and with 1 if it could not compare', async () => {
    const invalid = run(['verify', '--topic', 'rides']);
    expect(await invalid.exited).toBe(2);
    expect(invalid.stderr()).toContain('--topic: expected one of ride.telemetry');
    const failed = run(['verify', '--json'], { DATABASE_URL: 'postgres://nobody:none@127.0.0.1:1/none' });
    expect(await failed.exited).toBe(1);
    expect(JSON.parse(failed.stdout())).toMatchObject({ ok: false, code: 'ECONNREFUSED' });
    const empty = run(['verify', '--json']);
    expect(await empty.exited).toBe(1);
    expect((JSON.parse(empty.stdout()) as { reason: string }).reason).toContain('batch -- migrate');
  });
});

describe('main.js backfill', () => {
  it('loads every missing row once although it was killed', async () => {
    const topic = telemetryFamily.topic.name;
    await append(broker, topic, toRecords(makeTrack({ points: 20_000, devices: 100 })));
    expect(await run(['run']).exited).toBe(0);
    await database.query('TRUNCATE ride.telemetry');
    const args = ['backfill', '--topic', topic, '--from', 'earliest', '--to', 'latest', '--json'];
    const killed = run(args, { BATCH_CHUNK_RECORDS: '50' });
    await until(async () => (await countTelemetry()) > 0);
    killed.child.kill('SIGKILL');
    await killed.exited;
    const before = await countTelemetry();
    expect(before).toBeLessThan(20_000);
    const again = run(args);
    expect(await again.exited).toBe(0);
    const result = JSON.parse(again.stdout()) as { rows: number };
    expect(result).toMatchObject({ ok: true, topic, read: 20_000, rejects: 0, dryRun: false });
    expect(result.rows).toBeLessThanOrEqual(20_000 - before);
    expect(again.stderr()).toContain('loading: 20000 of 20000 records');
    expect(await database.one('SELECT count(DISTINCT telemetry_id)::integer FROM ride.telemetry')).toBe(
      20_000,
    );
    expect(await countTelemetry()).toBe(20_000);
    expect(await run(['verify']).exited).toBe(0);
  });

  it('exits with 2 for invalid options, and with 1 for a range that the log does not have', async () => {
    const topic = telemetryFamily.topic.name;
    await append(broker, topic, toRecords(makeTrack({ points: 10, devices: 1 })));
    expect(await run(['run']).exited).toBe(0);
    expect(await run(['backfill', '--topic', topic, '--from', '0']).exited).toBe(2);
    const beyond = run(['backfill', '--topic', topic, '--from', '100', '--to', '200', '--json']);
    expect(await beyond.exited).toBe(1);
    expect(JSON.parse(beyond.stdout())).toMatchObject({ ok: false, code: 'RANGE' });
    expect(beyond.stderr()).toContain('the log ends before offset 100');
  });
});

describe('main.js retry-rejects', () => {
  it('loads rejects again with a raised limit, and prints the result', async () => {
    const timestamp = Date.now() - 20 * 86_400_000;
    await append(broker, telemetryFamily.topic.name, toRecords([makeTelemetry({ timestamp })]));
    expect(await run(['run'], { EVENTS_MAX_AGE_DAYS: '10' }).exited).toBe(0);
    expect(await countTelemetry()).toBe(0);
    const raised = { EVENTS_MAX_AGE_DAYS: '30' };
    const dry = run(['retry-rejects', '--dry-run'], raised);
    expect(await dry.exited).toBe(0);
    expect(dry.stdout()).toContain('1 retried: 1 rows, 0 duplicates, 0 rejected again');
    expect(await countTelemetry()).toBe(0);
    const { exited, stdout } = run(['retry-rejects', '--reason', 'MAX_AGE', '--json'], raised);
    expect(await exited).toBe(0);
    const counts = { retried: 1, rows: 1, duplicates: 0, expired: 0, erased: 0, rejects: 0 };
    expect(JSON.parse(stdout())).toEqual({
      topics: { [telemetryFamily.topic.name]: counts },
      ...counts,
      dryRun: false,
    });
    expect(await countTelemetry()).toBe(1);
    const connection = connectionTo(broker);
    await using admin = createAdmin({ connection, logger: silent });
    await using reader = createRangeReader({ connection, logger: silent });
    const topic = deadLetterTopic.name;
    const index = new DeadLetterIndex({ admin, reader, logger: silent, topic, maxEntries: 10 });
    await index.update();
    expect([...index.values()]).toMatchObject([{ redrivenMs: expect.any(Number) as number }]);
    expect(await run(['run']).exited).toBe(0);
    expect(await database.one('SELECT count(*) FROM ride.dead_letters')).toBe('1');
  });

  it('reports an invalid option', async () => {
    const { exited, stderr } = run(['retry-rejects', '--topic', 'rides']);
    expect(await exited).toBe(2);
    expect(stderr()).toContain('--topic: expected one of ride.telemetry');
  });
});
