import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type Trip,
  type VehicleEvent,
} from '@hailstream/events';
import { until } from '@hailstream/service/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReplayArgs } from '../src/trace/replay-args.js';
import { runReplay, type ReplayResult } from '../src/trace/run-replay.js';
import { TraceError } from '../src/trace/read-lines.js';
import { FakeIngest } from './_fake-ingest.js';

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
  const exitCode = await runReplay({
    args: { path, speed: 'max', endMs, json: true, ...change },
    config: { ingest: { url: ingest.url, token: undefined, tokenFile: undefined, providerId } },
    signal,
  });
  return { exitCode, result: JSON.parse(stdout.trim().split('\n').at(-1)!) as ReplayResult };
}

function received<Item>(path: string): Item[] {
  return ingest.log.filter((entry) => entry.path === path).map(({ item }) => item as Item);
}

/** The points of each cab in order of their first arrival. */
function receivedTimes(): number[][] {
  const byDevice = new Map<unknown, number[]>();
  for (const item of ingest.distinct('telemetry_id', '/telemetry')) {
    byDevice.set(item['device_id'], [
      ...(byDevice.get(item['device_id']) ?? []),
      item['timestamp'] as number,
    ]);
  }
  return [...byDevice.values()];
}

describe('a replay at maximum speed', () => {
  it('sends every fix once, in order, with the original intervals, up to --end-at', async () => {
    const { exitCode, result } = await replay(await file('trace.csv.gz', gzipSync(trace)));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES, rejected: 0, retried: 0, devices: CABS });
    const times = receivedTimes();
    expect(times.length).toBe(CABS);
    for (const ofCab of times) {
      expect(ofCab.at(-1)).toBe(endMs);
      expect(ofCab).toEqual(ofCab.map((_time, index) => endMs - (ofCab.length - 1 - index) * 30_000));
    }
    expect(received('/telemetry').flatMap((item) => telemetryFamily.validator.issues(item))).toEqual([]);
  });

  it('creates the same events from the same file, compressed or not', async () => {
    await replay(await file('trace.csv', trace));
    await replay(await file('trace.csv.gz', gzipSync(trace)));
    expect(received('/telemetry').length).toBe(2 * FIXES);
    const half = ingest.log.length / 2;
    const [first, second] = [ingest.log.slice(0, half), ingest.log.slice(half)].map((part) =>
      part.map(({ item }) => JSON.stringify(item)).toSorted(),
    );
    expect(second).toEqual(first);
  });

  it('loses no event and counts each once if ingest is killed and restarted', async () => {
    let requests = 0;
    ingest.treat = (number) => {
      requests = number;
      return { kind: number % 4 === 3 ? 'lose-answer' : 'take' };
    };
    const replaying = replay(await file('trace.csv', trace));
    await until(() => requests >= 3);
    await ingest.down();
    await until(() => stderr.includes('ingest is unavailable'));
    await ingest.up();
    const { result } = await replaying;
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES, rejected: 0 });
    expect(result.retried).toBeGreaterThan(0);
    expect(ingest.distinct('telemetry_id', '/telemetry').length).toBe(FIXES);
    for (const ofCab of receivedTimes()) expect(ofCab).toEqual(ofCab.toSorted((a, b) => a - b));
    expect(stderr).toContain('ingest has recovered');
  });

  it('lists the first twenty broken lines, and sends all other fixes', async () => {
    const broken = Array.from({ length: 30 }, (_none, number) => `cab,${number}`);
    const lines = ['cab,ts,lat,lon', 'a,1211382000,37.5,-122.4', ...broken, '', 'a,1211382060,37.6,-122.4'];
    const { exitCode, result } = await replay(await file('trace.csv', lines.join('\r\n')));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ sent: 2, accepted: 2, devices: 1 });
    expect(stderr).toContain('replay: line 3 skipped: 2 fields, but the header has 4\n');
    expect(stderr.match(/skipped/g)?.length).toBe(20);
    expect(stderr).toContain('30 broken lines in total');
  });

  it.each([
    ['nothing', '', 'the file is empty'],
    ['another table', 'id,name\n1,a\n', 'line 1: missing columns cab, ts, lat, lon in the header "id,name"'],
    ['a truncated gzip file', gzipSync(trace).subarray(0, 3_000), 'the gzip data is truncated'],
    [
      'a damaged gzip file',
      Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(50, 7)]),
      'the gzip data is damaged',
    ],
  ])('sends nothing from %s, and reports the reason in one line', async (_what, content, reason) => {
    const path = await file('trace', content);
    const error = await replay(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TraceError);
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).toContain(reason);
    expect((error as Error).message).not.toContain('\n');
    expect(ingest.requests).toEqual([]);
  });
});

/** The contents of the log in an order that does not depend on the order of sending. */
function eventsInLog(): string[] {
  return ingest.log.map(({ item }) => JSON.stringify(item)).toSorted();
}

/** Shuffles lines deterministically. */
function shuffled(lines: readonly string[]): string[] {
  return lines.toSorted((a, b) => hash(a) - hash(b));
}

function hash(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => (sum * 31 + byte) % 1_000_003, 7);
}

describe('the states and trips of a trace', () => {
  /** Counts trips as text, without the code under test: changes of the last column from 0 to 1, cab by cab. */
  function countTripStarts(csv: string): number {
    const occupancies = new Map<string, string>();
    for (const line of csv.trim().split('\n').slice(1)) {
      const [cab = '', , , , occupied = ''] = line.split(',');
      occupancies.set(cab, (occupancies.get(cab) ?? '') + occupied);
    }
    return [...occupancies.values()].reduce((sum, each) => sum + each.split('01').length - 1, 0);
  }

  it('are sent as vehicle events and trips: a trip for each change from 0 to 1', async () => {
    const { exitCode, result } = await replay(await file('trace.csv', trace));
    const events = received<VehicleEvent>('/events');
    const starts = events.filter(({ event_types }) => event_types.includes('trip_start'));
    expect(starts.length).toBe(countTripStarts(trace));
    expect(starts.length).toBeGreaterThan(CABS);
    expect(new Set(starts.map(({ trip_ids }) => trip_ids![0])).size).toBe(starts.length);
    const trips = received<Trip>('/trips');
    // Half of the cabs are occupied at the end, and their last trips have not ended.
    expect(trips.length).toBe(starts.length - CABS);
    expect(events.flatMap((item) => vehicleEventFamily.validator.issues(item))).toEqual([]);
    expect(trips.flatMap((item) => tripFamily.validator.issues(item))).toEqual([]);
    expect(received('/rider-events')).toEqual([]);
    const all = { rejected: 0, retried: 0 };
    expect(result.vehicleEvents).toEqual({ sent: events.length, accepted: events.length, ...all });
    expect(result.trips).toEqual({ sent: trips.length, accepted: trips.length, ...all });
    expect(exitCode).toBe(0);
  });

  it('fail the replay if ingest rejects them', async () => {
    ingest.treat = () => ({
      kind: 'fail-items',
      error: ({ event_types }) => (event_types === undefined ? undefined : 'bad_param'),
    });
    const { exitCode, result } = await replay(await file('trace.csv', trace));
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES, rejected: 0 });
    expect(result.vehicleEvents).toMatchObject({ accepted: 0, rejected: result.vehicleEvents.sent });
    expect(exitCode).toBe(1);
  });
});

describe('an irregular trace', () => {
  const header = 'cab,ts,lat,lon,occ';
  const lines = Array.from({ length: FIXES }, (_none, number) => lineOf(number));
  let expected: string[];

  beforeEach(async () => {
    await replay(await file('good.csv', trace));
    expected = eventsInLog();
    ingest.log.length = 0;
    stderr = '';
  });

  async function expectSame(content: string | Buffer, change: Partial<ReplayResult> = {}): Promise<void> {
    const { exitCode, result } = await replay(await file('bad.csv', content));
    expect(result).toMatchObject({
      ...{ sent: FIXES, accepted: FIXES, rejected: 0, devices: CABS },
      ...{ repeated: 0, outOfOrder: 0, outliers: 0, broken: 0, ...change },
    });
    expect(eventsInLog()).toEqual(expected);
    expect(exitCode).toBe(0);
  }

  it('yields the same events in any order of lines, and reports how many were out of order', async () => {
    const { result } = await replay(await file('bad.csv', [header, ...shuffled(lines)].join('\n')));
    expect(eventsInLog()).toEqual(expected);
    expect(result.outOfOrder).toBeGreaterThan(FIXES / 2);
    expect(stderr).toContain(
      `replay: ${result.outOfOrder} fixes were out of order and were sorted by time\n`,
    );
  });

  it('yields each event once if lines are repeated, and reports how many were', async () => {
    const again = lines.filter((_line, index) => index % 20 === 0);
    const repeated = lines.flatMap((line, index) => (index % 20 === 10 ? [line, line] : [line]));
    const count = again.length + FIXES / 20;
    // Two lines of the last second are repeated; they are not earlier than others of their cab.
    const outOfOrder = again.length - 2;
    await expectSame([header, ...repeated, ...again].join('\n'), { repeated: count, outOfOrder });
    expect(stderr).toContain(`replay: ${count} repeated fixes were not sent\n`);
  });

  it.each([
    ['seconds', 1],
    ['milliseconds', 1e3],
    ['microseconds', 1e6],
    ['nanoseconds', 1e9],
  ])('recognizes times in %s', async (unit, perSecond) => {
    const timed = lines.map((line) =>
      line.replace(/,(\d{10}),/, (_all, ts) => `,${Number(ts) * perSecond},`),
    );
    await expectSame([header, ...timed].join('\n'));
    expect(stderr.includes('ts interpreted')).toBe(unit !== 'seconds');
    if (unit !== 'seconds') expect(stderr).toContain(`ts interpreted as ${unit} on ${FIXES} lines`);
  });

  it.each([
    ['CR', '\r'],
    ['CRLF', '\r\n'],
    ['two LFs', '\n\n'],
  ])('may end its lines with %s', async (_what, end) => {
    await expectSame([header, ...lines, ''].join(end));
  });

  it('may have a byte order mark, quotes, and its columns in another order', async () => {
    const other = lines.map((line) => {
      const [cab, ts, lat, lon, occ] = line.split(',');
      return `"${lon}",${occ},"${cab}","a ""b"", c",${lat},${ts}`;
    });
    await expectSame(`\uFEFF${['lon,occ,"cab",note,lat,ts', ...other].join('\r\n')}`);
  });

  it('may be several gzip files concatenated, each with a header and trailing zero bytes', async () => {
    const half = FIXES / 2;
    const first = gzipSync(`${[header, ...lines.slice(0, half)].join('\n')}\n`);
    const turned = lines.slice(half).map((line) => line.replace(/^([^,]*),([^,]*),/, '$2,$1,'));
    const second = gzipSync(`${['ts,cab,lat,lon,occ', ...turned].join('\n')}\n`);
    await expectSame(Buffer.concat([first, Buffer.alloc(512), second, Buffer.alloc(3)]));
  });

  it('is sent up to the garbage after its gzip data, with the exit code of gzip', async () => {
    const { exitCode, result } = await replay(
      await file('bad.csv.gz', Buffer.concat([gzipSync(trace), Buffer.from('\n\n')])),
    );
    expect(exitCode).toBe(2);
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES });
    expect(stderr).toContain('replay: warning: trailing garbage after the gzip data was ignored\n');
  });

  it.each([
    ['a GPS receiver that counts from 1980', 315_964_800],
    ['a clock that starts in 1970', 0],
    ['the rollover of GPS weeks', 1_211_382_000 - 1024 * 7 * 86_400],
    ['a year later', 1_211_382_000 + 367 * 86_400],
    ['a month later', 1_211_382_000 + 30 * 86_400],
    ['now', Math.floor(Date.now() / 1_000)],
  ])('omits a single fix with a wrong date: %s', async (_what, ts) => {
    const wrong = lineOf(3).replace('1211382000', String(ts));
    const content = [header, ...lines.slice(0, 500), wrong, ...lines.slice(500)].join('\n');
    const order = ts < 1_211_382_000 ? 1 : (FIXES - 500) / CABS;
    await expectSame(content, { outliers: 1, outOfOrder: order });
    const time = new Date(ts * 1_000).toISOString();
    expect(stderr).toContain(
      `replay: line 502 not sent: its time ${time} is outside the period of the trace\n`,
    );
  });
});

describe('a replay that fails', () => {
  it.each([
    ['a header only', 'cab,ts,lat,lon,occ\n'],
    ['broken lines only', 'cab,ts,lat,lon,occ\na,b,c,d,e\n'],
  ])('reports that nothing was sent from %s', async (_what, content) => {
    const { exitCode, result } = await replay(await file('trace.csv', content));
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ sent: 0, accepted: 0, rejected: 0, devices: 0 });
    expect(stderr).toContain('replay: nothing was sent\n');
  });

  it('reports how many events were rejected', async () => {
    ingest.treat = () => ({
      kind: 'fail-items',
      error: ({ timestamp, telemetry_id }) =>
        timestamp === endMs && telemetry_id !== undefined ? 'bad_param' : undefined,
    });
    const { exitCode, result } = await replay(await file('trace.csv', trace));
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ sent: FIXES, accepted: FIXES - CABS, rejected: CABS });
    const all = FIXES + result.vehicleEvents.sent + result.trips.sent;
    expect(stderr).toContain(`replay: ${CABS} of ${all} events were rejected\n`);
    expect(stderr).toContain(`${CABS} rejected events in total; only the first 20 are listed`);
  });

  it('prints the result before it fails because ingest refuses its requests', async () => {
    ingest.treat = () => ({ kind: 'status', status: 401 });
    await expect(replay(await file('trace.csv', trace))).rejects.toThrow('answered 401');
    const result = JSON.parse(stdout.trim()) as ReplayResult;
    expect(result).toMatchObject({ accepted: 0, rejected: 0 });
    expect(result.sent).toBeGreaterThan(0);
  });
});

describe('a paced replay', () => {
  it('starts now, at a multiple of the original speed', async () => {
    const startedAt = Date.now();
    const path = await file('trace.csv', trace);
    const { result } = await replay(path, { speed: 2_000, endMs: undefined });
    expect(result.accepted).toBe(FIXES);
    const [ofCab] = receivedTimes();
    expect(ofCab![0]).toBeGreaterThanOrEqual(startedAt);
    expect(ofCab!.at(-1)! - ofCab![0]!).toBe(((FIXES / CABS - 1) * 30_000) / 2_000);
    expect(ofCab!.at(-1)).toBeLessThanOrEqual(Date.now());
  });

  it('stops at the signal, prints its progress, and has delivered what it read', async () => {
    const stop = new AbortController();
    const replaying = replay(await file('trace.csv', trace), { speed: 1, endMs: undefined }, stop.signal);
    await until(() => received('/telemetry').length > 0);
    stop.abort();
    const { exitCode, result } = await replaying;
    expect(exitCode).toBe(1);
    expect(result.sent).toBe(CABS);
    expect(result.accepted).toBe(CABS);
    expect(stderr).toContain('stopped early; 0 events were not accepted');
  });

  it('waits through a gap longer than the maximum timeout of Node', async () => {
    const stop = new AbortController();
    const gap = ['cab,ts,lat,lon', 'a,1788249600,43.7,7.4', 'a,1790841600,43.8,7.4', 'a,1790841610,43.9,7.4'];
    const replaying = replay(
      await file('trace.csv', gap.join('\n')),
      { speed: 1, endMs: undefined },
      stop.signal,
    );
    await until(() => ingest.log.length > 0);
    // A timer with a delay that is too long fires after a millisecond, and the next fixes would be sent early.
    const quick = ['cab,ts,lat,lon', ...[0, 1, 2, 3, 4].map((second) => `b,${second + 1},43.7,7.4`)];
    const other = await file('quick.csv', quick.join('\n'));
    const json = stdout;
    await runReplay({
      args: { path: other, speed: 10, endMs: undefined, json: true },
      config: { ingest: { url: ingest.url, token: undefined, tokenFile: undefined, providerId } },
      signal: new AbortController().signal,
    });
    stdout = json;
    stop.abort();
    const { exitCode, result } = await replaying;
    expect(exitCode).toBe(1);
    expect(result.sent).toBe(1);
    expect(ingest.log.filter(({ item }) => item['location']).length).toBe(6);
  });
});
