import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { riderEventFamily } from '@hailstream/events';
import type { Report } from '@hailstream/events/reports';
import { startTestBroker, type TestBroker } from '@hailstream/log/testing';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  append,
  createLoadRunner,
  createTestDatabase,
  makeRiderEvent,
  PROVIDER,
  YESTERDAY,
  type TestDatabase,
} from './_util.js';

const app = dirname(dirname(fileURLToPath(import.meta.url)));
const SECRET = 'a secret of at least thirty-two characters';
const OTHER_PROVIDER = 'f7b2c3d4-0000-4000-8000-000000000002';
const DAY = new Date(YESTERDAY).toISOString().slice(0, 10);
const ZONES = join(app, '../../docs/examples/monaco-zones.geojson');
const ZONE_NAMES = [
  'Fontvieille',
  'Jardin Exotique',
  'La Condamine',
  'Larvotto',
  'Monaco-Ville',
  'Monte-Carlo',
  'Saint-Roman',
];
const REQUESTS = { [PROVIDER]: 12, [OTHER_PROVIDER]: 8 };

let broker: TestBroker;
let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  // Processes run compiled code, because Nest needs constructor types that only the compiler emits.
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', app], { stdio: 'inherit' });
  [broker, database] = await Promise.all([startTestBroker(), createTestDatabase()]);
  folder = await mkdtemp(join(tmpdir(), 'report-'));
  await using runner = await createLoadRunner(broker, database);
  await runner.migrate();
  const events = Object.entries(REQUESTS).flatMap(([provider, count]) =>
    Array.from({ length: count }, () => makeRiderEvent({ provider_id: provider })),
  );
  await append(
    broker,
    riderEventFamily.topic.name,
    events.map((value) => ({ key: value.trip_id, value })),
  );
  await runner.load(new AbortController().signal);
}, 120_000);
afterAll(async () => {
  await rm(folder, { recursive: true });
  await broker[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(app, 'dist/main.js'), ...args], {
    env: { KAFKA_BROKERS: broker.address, DATABASE_URL: database.url, PORT: '0', ...env },
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  return { child, output, exited: once(child, 'close') };
}

describe('main.js report', () => {
  it('writes the report in all forms, and does not replace it', async () => {
    const out = join(folder, 'day.html');
    const args = ['report', '--day', DAY, '--out', out, '--csv', '--json', '--provider', PROVIDER];
    const { child, output, exited } = run(args);
    await exited;
    expect(output.stderr).toBe('');
    expect(child.exitCode).toBe(0);
    const files = (await readdir(folder)).sort();
    expect(files).toEqual(expect.arrayContaining(['day.figures.csv', 'day.html', 'day.json']));
    const report = JSON.parse(await readFile(join(folder, 'day.json'), 'utf8')) as Report;
    expect(report.figures[0]).toMatchObject({ id: 'requests', value: 12 });
    expect(await readFile(out, 'utf8')).toContain('<span class="value">12</span>');
    const csv = await readFile(join(folder, 'day.intervals.csv'), 'utf8');
    expect(csv.split('\r\n')).toHaveLength(1 + 24 + 1);
    expect(csv).toContain(`${DAY}T01:00:00.000Z,12,`);

    const again = run(args);
    await again.exited;
    expect(again.child.exitCode).toBe(1);
    expect(again.output.stderr).toContain('exists: choose another name, or add --force to replace it');
    expect((await readdir(folder)).sort()).toEqual(files);
  });

  it('has the zones of a file on a map, and of the database if they are loaded', async () => {
    const [named, loaded] = [join(folder, 'named.html'), join(folder, 'loaded.html')];
    const report = ['report', '--day', DAY, '--min-count', '1', '--json'];
    for (const args of [
      [...report, '--zones', ZONES, '--out', named],
      ['zones', 'load', ZONES],
      [...report, '--out', loaded],
    ]) {
      const { child, output, exited } = run(args);
      await exited;
      expect(output.stderr).toBe('');
      expect(child.exitCode).toBe(0);
    }
    for (const file of [named, loaded]) {
      const { zones, outlines } = JSON.parse(
        await readFile(file.replace('.html', '.json'), 'utf8'),
      ) as Report;
      // All requests are in one place.
      expect(zones).toMatchObject([{ name: 'Monte-Carlo', requests: 20, previousRequests: 0 }]);
      expect(outlines.zones.map(({ name }) => name).sort()).toEqual(ZONE_NAMES);
      const html = await readFile(file, 'utf8');
      for (const name of ZONE_NAMES) expect(html).toContain(`<title>${name}: `);
      expect(html).toMatch(/<text class="place"[^>]*><tspan[^>]*>Monte-(Carlo)?</);
    }
    await database.query('DELETE FROM ride.zones');
  });

  it('says which zone does not exist', async () => {
    const { child, output, exited } = run([
      'report',
      '--day',
      DAY,
      '--out',
      join(folder, 'a.html'),
      '--zone',
      'Port',
    ]);
    await exited;
    expect(child.exitCode).toBe(1);
    expect(output.stderr).toContain('no zones are known, got "Port"');
  });
});

describe('GET /reports', () => {
  let service: { child: ChildProcess; output: { stdout: string }; exited: Promise<unknown> };
  let url: string;

  beforeAll(async () => {
    service = run([], { AUTH_JWT_SECRET: SECRET });
    url = await until(() => /"url":"([^"]+)"/.exec(service.output.stdout)?.[1], { what: 'the URL' });
  });
  afterAll(async () => {
    service.child.kill('SIGKILL');
    await service.exited;
  });

  async function get(query: string, providerId?: string, scope: 'read' | 'write' = 'read') {
    const token = await makeToken(SECRET, { scopes: [scope], ...(providerId && { providerId }) }, '1 hour');
    const response = await fetch(`${url}/reports?${query}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return { status: response.status, body: (await response.json()) as Report & { detail: string } };
  }
  const requestsOf = ({ body }: { body: Report }) => body.figures.find(({ id }) => id === 'requests')!.value;

  it('has the events of all providers, or of one', async () => {
    expect(requestsOf(await get(`day=${DAY}`))).toBe(20);
    expect(requestsOf(await get(`day=${DAY}&provider_id=${OTHER_PROVIDER}`))).toBe(8);
  });

  it('has only the events of the provider of the token', async () => {
    expect(requestsOf(await get(`day=${DAY}`, PROVIDER))).toBe(12);
    expect(await get(`day=${DAY}&provider_id=${OTHER_PROVIDER}`, PROVIDER)).toMatchObject({
      status: 400,
      body: { detail: `provider_id: the token is limited to the provider ${PROVIDER}` },
    });
  });

  it('leaves GET /runs to tokens for all providers', async () => {
    const runs = async (claims: Parameters<typeof makeToken>[1]) =>
      (
        await fetch(`${url}/runs`, {
          headers: { authorization: `Bearer ${await makeToken(SECRET, claims, '1 hour')}` },
        })
      ).status;
    expect((await fetch(`${url}/runs`)).status).toBe(401);
    expect(await runs({ scopes: ['write'], providerId: PROVIDER })).toBe(401);
    expect(await runs({ scopes: ['read'], providerId: PROVIDER })).toBe(403);
    expect(await runs({ scopes: ['read'] })).toBe(200);
  });

  it('requires a token with the scope read, and a valid period', async () => {
    expect((await fetch(`${url}/reports?day=${DAY}`)).status).toBe(401);
    expect((await get(`day=${DAY}`, PROVIDER, 'write')).status).toBe(401);
    expect(await get('day=yesterday')).toMatchObject({
      status: 400,
      body: { detail: 'day: expected a day such as 2026-03-01, got "yesterday"' },
    });
    expect(await get('')).toMatchObject({
      status: 400,
      body: { detail: 'day: expected one of day, week and month, got none' },
    });
  });
});
