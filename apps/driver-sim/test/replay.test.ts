import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { telemetryFamily } from '@hailstream/events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReplayArgs } from '../src/trace/replay-args.js';
import { runReplay, type ReplayResult } from '../src/trace/run-replay.js';
import { TraceError } from '../src/trace/trace.error.js';
import { FakeIngest } from './_fake-ingest.js';
import { until } from './_util.js';

const providerId = '0197a1c0-6d1f-7000-8000-000000000001';
const endMs = Date.UTC(2026, 2, 1, 12);
const CABS = 50;
const FIXES = 3_000;

let ingest: FakeIngest;
let folder: string;
let stdout: string;
let stderr: string;

beforeEach(async () => {
  ingest = await FakeIngest.start();
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
  stdout = '';
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await ingest[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function lineOf(number: number): string {
  const [cab, second] = [number % CABS, Math.floor(number / CABS)];
  return `cab${cab},${1_211_382_000 + second * 30},37.${7_000 + second * 10 + cab},-122.4,${second % 2}`;
}
const trace = [
  'cab,ts,lat,lon,occ',
  ...Array.from({ length: FIXES }, (_none, number) => lineOf(number)),
  '',
].join('\n');

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function replay(path: string, change: Partial<ReplayArgs> = {}, signal = new AbortController().signal) {
  const finished = await runReplay({
    args: { path, speed: 'max', endMs, json: true, ...change },
    config: { ingest: { url: ingest.url, token: undefined, providerId } },
    signal,
  });
  return { finished, result: JSON.parse(stdout.trim().split('\n').at(-1)!) as ReplayResult };
}

/** Of each cab, the points as they first came. */
function receivedTimes(): number[][] {
  const byDevice = new Map<unknown, number[]>();
  for (const item of ingest.distinct('telemetry_id')) {
    byDevice.set(item['device_id'], [
      ...(byDevice.get(item['device_id']) ?? []),
      item['timestamp'] as number,
    ]);
  }
  return [...byDevice.values()];
}

describe('a replay as fast as it goes', () => {
  it('sends every fix once, in order, with its own spacing, ending when it is told to', async () => {
    const { finished, result } = await replay(await file('trace.csv.gz', gzipSync(trace)));
    expect(finished).toBe(true);
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES, rejected: 0, retried: 0, devices: CABS });
    const times = receivedTimes();
    expect(times.length).toBe(CABS);
    for (const ofCab of times) {
      expect(ofCab.at(-1)).toBe(endMs);
      expect(ofCab).toEqual(ofCab.map((_time, index) => endMs - (ofCab.length - 1 - index) * 30_000));
    }
    expect(ingest.log.flatMap(({ item }) => telemetryFamily.validator.issues(item))).toEqual([]);
  });

  it('makes the same events of the same file again, packed or not', async () => {
    await replay(await file('trace.csv', trace));
    await replay(await file('trace.csv.gz', gzipSync(trace)));
    expect(ingest.log.length).toBe(2 * FIXES);
    const [first, second] = [ingest.log.slice(0, FIXES), ingest.log.slice(FIXES)].map((half) =>
      half.map(({ item }) => JSON.stringify(item)).toSorted(),
    );
    expect(second).toEqual(first);
  });

  it('loses nothing, and counts it once, when ingest is killed and comes back in mid-flow', async () => {
    let requests = 0;
    ingest.treat = (number) => {
      requests = number;
      return { kind: number % 4 === 3 ? 'lose-answer' : 'take' };
    };
    const replaying = replay(await file('trace.csv', trace));
    await until(() => requests >= 3);
    await ingest.down();
    await until(() => stderr.includes('ingest is away'));
    await ingest.up();
    const { result } = await replaying;
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES, rejected: 0 });
    expect(result.retried).toBeGreaterThan(0);
    expect(ingest.distinct('telemetry_id').length).toBe(FIXES);
    for (const ofCab of receivedTimes()) expect(ofCab).toEqual(ofCab.toSorted((a, b) => a - b));
    expect(stderr).toContain('ingest is back');
  });

  it('names broken lines, the first twenty of them one by one, and sends the rest', async () => {
    const broken = Array.from({ length: 30 }, (_none, number) => `cab,${number}`);
    const lines = ['cab,ts,lat,lon', 'a,1211382000,37.5,-122.4', ...broken, '', 'a,1211382060,37.6,-122.4'];
    const { finished, result } = await replay(await file('trace.csv', lines.join('\r\n')));
    expect(finished).toBe(true);
    expect(result).toMatchObject({ sent: 2, accepted: 2, devices: 1 });
    expect(stderr).toContain('replay: line 3 has 2 fields where the header has 4: passed over\n');
    expect(stderr.match(/passed over/g)?.length).toBe(20);
    expect(stderr).toContain('30 broken lines in all');
  });

  it.each([
    ['nothing', '', 'it is empty'],
    ['another table', 'id,name\n1,a\n', 'line 1: the header has no column cab, ts, lat, lon: "id,name"'],
    ['half a gzip file', gzipSync(trace).subarray(0, 3_000), 'the gzip data ends too early'],
    [
      'a damaged gzip file',
      Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(50, 7)]),
      'the gzip data is damaged',
    ],
  ])('sends nothing of %s, and says in one line what is wrong where', async (_what, content, reason) => {
    const path = await file('trace', content);
    const error = await replay(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TraceError);
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain(reason);
    expect((error as Error).message).not.toContain('\n');
    expect(ingest.requests).toEqual([]);
  });
});

describe('a replay at a pace', () => {
  it('happens now, at so many times its own pace', async () => {
    const startedAt = Date.now();
    const path = await file('trace.csv', trace);
    const { result } = await replay(path, { speed: 2_000, endMs: undefined });
    expect(result.accepted).toBe(FIXES);
    const [ofCab] = receivedTimes();
    expect(ofCab![0]).toBeGreaterThanOrEqual(startedAt);
    expect(ofCab!.at(-1)! - ofCab![0]!).toBe(((FIXES / CABS - 1) * 30_000) / 2_000);
    expect(ofCab!.at(-1)).toBeLessThanOrEqual(Date.now());
  });

  it('stops when it is told to, says how far it came, and has handed over what it read', async () => {
    const stop = new AbortController();
    const replaying = replay(await file('trace.csv', trace), { speed: 1, endMs: undefined }, stop.signal);
    await until(() => ingest.log.length > 0);
    stop.abort();
    const { finished, result } = await replaying;
    expect(finished).toBe(false);
    expect(result.sent).toBe(CABS);
    expect(result.accepted).toBe(CABS);
    expect(stderr).toContain('stopped early; 0 events were not handed over');
  });
});
