import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { eventRegistry } from '@hailstream/events';
import { createAdmin, createProducer, type LogConnection } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import {
  cpuSeconds,
  residentMiB,
  startBrokerProcess,
  startHttpProcess,
  temporaryFolder,
  type SystemProcess,
} from '../../harness/processes.js';
import type { Figure, Row } from '../../harness/report.js';
import { median } from '../../harness/rounds.js';
import type { Suite } from '../../harness/suite.js';
import { recordsOf, type RecordedCity } from './recorded-city.js';
import { HistoryClient } from './history-client.js';

const HOUR_MS = 3_600_000;
const TELEMETRY_SECONDS = 10;

/** Seeks per order, after some that are not counted. */
const SEEKS = { full: 200, quick: 10 };
const WARM_UP_SEEKS = 5;

const TARGET_SEEK_MS = 300;
const TARGET_RESTART_MS = 2_000;

/** The city whose restart is measured: telemetry of ten minutes and the trips in it. */
const RESTART_CITY = { vehicles: 100_000, durationMs: 600_000, telemetryMs: 60_000 };
const RESTARTS = 5;

/** Records that are sent at once: those of an interval of a large city do not fit in the producer's buffer. */
const MAX_SENT_RECORDS = 10_000;

/** Maximum time until a realtime process has folded the whole log. */
const FIRST_START_WITHIN_MS = 1_800_000;

/** Time from a page's request for a moment to its snapshot, and the restart of realtime from its keyframe. */
export const historySuite: Suite = {
  name: 'history',
  run: async (effort, say) => {
    const isQuick = effort.roundMs < 5_000;
    const { vehicles = isQuick ? 50 : 1_000, hours = isQuick ? 1 : 24 } = effort;
    const { telemetrySeconds = TELEMETRY_SECONDS, job = '' } = effort;
    const seeks = isQuick ? SEEKS.quick : SEEKS.full;
    const rows: Row[] = [];
    if ('seek'.includes(job)) {
      rows.push(
        ...(await measureSeeks({ vehicles, hours, telemetryMs: telemetrySeconds * 1_000, seeks }, say)),
      );
    }
    const scale = isQuick ? 0.01 : 1;
    if ('restart'.includes(job)) {
      rows.push(...(await measureRestart(Math.round(RESTART_CITY.vehicles * scale), say)));
    }
    return rows;
  },
};

type Say = (what: string) => void;

async function measureSeeks(
  {
    vehicles,
    hours,
    telemetryMs,
    seeks,
  }: {
    readonly vehicles: number;
    readonly hours: number;
    readonly telemetryMs: number;
    readonly seeks: number;
  },
  say: Say,
): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(join(folder.path, 'log'));
  const to = Date.now();
  const city = { vehicles, from: to - hours * HOUR_MS, to, telemetryMs };
  say(`appending ${hours} h of ${vehicles} vehicles`);
  const records = await append(broker.url, city);
  const keyframes = join(folder.path, 'keyframes');
  const start = (): Promise<SystemProcess> =>
    startRealtime(broker.url, keyframes, { REALTIME_REBUILD_MS: `${hours + 1}h` });
  const figures: Figure[] = [];
  const name = `${vehicles} vehicles, ${hours} h, a position per ${telemetryMs / 1_000} s`;
  {
    say(`first start of realtime: folding ${records} records`);
    const startedAt = performance.now();
    await using _realtime = await start();
    figures.push(figure(`${name}: first start`, (performance.now() - startedAt) / 1_000, 's'));
  }
  await using realtime = await start();
  figures.push(figure(`${name}: keyframes on disk`, (await sizeBytes(keyframes)) / 2 ** 20, 'MiB'));
  for (const by of ['event', 'received'] as const) {
    await using client = await HistoryClient.connect(realtime.url, by);
    const moments = randomMoments(city, WARM_UP_SEEKS + seeks);
    say(`${seeks} seeks, by ${by}`);
    const openMs = await client.open(moments[0]!);
    for (const at of moments.slice(1, WARM_UP_SEEKS)) await client.seek(at);
    const cpuBefore = await cpuSeconds(realtime.pid);
    const times: number[] = [];
    for (const at of moments.slice(WARM_UP_SEEKS)) times.push(await client.seek(at));
    const cpuMs = ((await cpuSeconds(realtime.pid)) - cpuBefore) * 1_000;
    const seekName = `${name}: seek by ${by}`;
    figures.push(
      figure(`${seekName}, p50`, percentile(times, 0.5), 'ms'),
      { ...figure(`${seekName}, p95`, percentile(times, 0.95), 'ms'), target: { atMost: TARGET_SEEK_MS } },
      figure(`${seekName}, p99`, percentile(times, 0.99), 'ms'),
      figure(`${seekName}, CPU of realtime`, cpuMs / times.length, 'ms'),
      figure(`${seekName}, opening the session`, openMs, 'ms'),
    );
  }
  figures.push(figure(`${name}: memory of realtime`, await residentMiB(realtime.pid), 'MiB'));
  return figures;
}

async function measureRestart(vehicles: number, say: Say): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(join(folder.path, 'log'));
  const to = Date.now();
  const { durationMs, telemetryMs } = RESTART_CITY;
  say(`appending a city of ${vehicles} vehicles`);
  await append(broker.url, { vehicles, from: to - durationMs, to, telemetryMs });
  const keyframes = join(folder.path, 'keyframes');
  const restart = () => startRealtime(broker.url, keyframes, {});
  await (await restart())[Symbol.asyncDispose]();
  const times: number[] = [];
  const processorTimes: number[] = [];
  const steps = new Map<string, number[]>();
  for (let round = 0; round < RESTARTS; round += 1) {
    say(`restart ${round + 1} of ${RESTARTS}`);
    const startedAt = Date.now();
    await using realtime = await restart();
    times.push(Date.now() - startedAt);
    processorTimes.push((await cpuSeconds(realtime.pid)) * 1_000);
    for (const [step, at] of stepsOf(realtime.output())) {
      steps.set(step, [...(steps.get(step) ?? []), at - startedAt]);
    }
  }
  const name = `${vehicles} vehicles: process start to`;
  return [
    ...[...steps].map(([step, each]) => figure(`${name} "${step}"`, median(each), 'ms')),
    figure(`${name} ready, processor time`, median(processorTimes), 'ms'),
    { ...figure(`${name} ready`, median(times), 'ms'), target: { atMost: TARGET_RESTART_MS } },
  ];
}

/** When a process logged the steps of its start, by its log. */
function stepsOf(output: string): Map<string, number> {
  const steps = new Map<string, number>();
  for (const line of output.split('\n')) {
    const step =
      /"time":"([^"]+)".*"msg":"(listening|continuing from a keyframe|rebuilding from the log|rebuilt)"/.exec(
        line,
      );
    if (step !== null) steps.set(step[2]!, Date.parse(step[1]!));
  }
  return steps;
}

function startRealtime(
  brokerAddress: string,
  keyframes: string,
  env: Readonly<Record<string, string>>,
): Promise<SystemProcess> {
  return startHttpProcess({
    script: 'apps/realtime/dist/main.js',
    env: { KAFKA_BROKERS: brokerAddress, REALTIME_HISTORY_DIR: keyframes, LOG_LEVEL: 'info', ...env },
    readyPath: '/health/ready',
    readyWithinMs: FIRST_START_WITHIN_MS,
  });
}

/** Appends all records of a city. Returns their number. */
async function append(brokerAddress: string, city: RecordedCity): Promise<number> {
  const connection: LogConnection = { brokers: [brokerAddress], clientId: 'bench' };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(eventRegistry.topics);
  await using producer = createProducer({ connection, logger });
  let count = 0;
  for (const records of recordsOf(city)) {
    for (let at = 0; at < records.length; at += MAX_SENT_RECORDS) {
      const results = await producer.send(records.slice(at, at + MAX_SENT_RECORDS));
      for (const result of results) if (result.kind === 'failed') throw result.error;
    }
    count += records.length;
  }
  return count;
}

/** Moments that are uniformly distributed over the recorded time, the same in each run. */
function randomMoments({ from, to }: RecordedCity, count: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.round(from + 60_000 + (state / 2 ** 31) * (to - from - 120_000));
  });
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)]!;
}

async function sizeBytes(folder: string): Promise<number> {
  const sizes = await Promise.all(
    (await readdir(folder, { recursive: true })).map(async (name) => (await stat(join(folder, name))).size),
  );
  return sizes.reduce((sum, each) => sum + each, 0);
}

function figure(name: string, value: number, unit: string): Figure {
  return { kind: 'figure', name, value, unit, target: null };
}
