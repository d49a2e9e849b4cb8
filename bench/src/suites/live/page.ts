import { setTimeout as pause } from 'node:timers/promises';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { heapBytes, launchBrowser, recordMainThread } from '@hailstream/tools/browser';
import type { Page } from 'playwright-core';
import { newLatencies, recordMs } from '../../harness/latencies.js';
import { openLoop } from '../../harness/load.js';
import { startBrokerProcess, startHttpProcess, temporaryFolder } from '../../harness/processes.js';
import { percentiles, type Row } from '../../harness/report.js';
import { comparison, sideResult } from '../../harness/rounds.js';
import type { Effort } from '../../harness/suite.js';
import { TelemetryClient } from '../../harness/telemetry-client.js';
import { driveFleet } from './driven-fleet.js';

const SECRET = 'a secret of this benchmark for loopback';

/** Large enough to draw 10,000 marks that do not overlap. */
const WINDOW = { width: 1920, height: 1080 } as const;

const MANY_VEHICLES = 10_000;
const FEW_VEHICLES = 1_000;
const EVENTS_PER_SECOND = 50;
const MINUTES = 10;

const MAIN_THREAD_MS = 15_000;

/**
 * Without a graphics card, drawing takes so long that there is one frame per second, whose time is that of several ticks. So
 * nothing is drawn: all that the main thread does to prepare a frame remains.
 */
const DRAW_NOTHING = `
  const { prototype } = WebGL2RenderingContext;
  for (const name of ['clear', 'drawArrays', 'drawArraysInstanced', 'drawElements', 'drawElementsInstanced',
    'drawRangeElements', 'clearBufferfv', 'clearBufferiv', 'clearBufferuiv', 'clearBufferfi', 'blitFramebuffer']) {
    prototype[name] = () => undefined;
  }
`;

const DRAWN_WITHIN_MS = 60_000;

/** Records, in the page, when each vehicle was first drawn. */
const RECORD_DRAWN = `
  globalThis.drawnAt = new Map();
  const look = () => {
    const probe = new CustomEvent('hailstream:marks', { detail: {} });
    document.querySelector('[data-testid=map]')?.dispatchEvent(probe);
    for (const { deviceId } of probe.detail.marks ?? []) {
      if (!drawnAt.has(deviceId)) drawnAt.set(deviceId, performance.timeOrigin + performance.now());
    }
    requestAnimationFrame(look);
  };
  look();
`;

interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  readonly brokerUrl: string;
  readonly ingestUrl: string;
}

/** A page of a running system without vehicles. `before` is a script that runs in the page before its own. */
async function openPage({ before }: { before?: string } = {}): Promise<OpenPage> {
  const folder = await temporaryFolder();
  const broker = await startBrokerProcess(folder.path);
  const env = { KAFKA_BROKERS: broker.url, AUTH_JWT_SECRET: SECRET };
  const readyPath = '/health/ready';
  const ingest = await startHttpProcess({ script: 'apps/ingest/dist/main.js', env, readyPath });
  const realtime = await startHttpProcess({ script: 'apps/realtime/dist/main.js', env, readyPath });
  const chromium = await launchBrowser();
  const page = await chromium.browser.newPage({ viewport: WINDOW });
  if (before !== undefined) await page.addInitScript(before);
  await page.goto(`${realtime.url}/#token=${await makeToken(SECRET, { scopes: ['read'] }, '1h')}`);
  return {
    page,
    brokerUrl: broker.url,
    ingestUrl: ingest.url,
    async [Symbol.asyncDispose]() {
      for (const each of [chromium, realtime, ingest, broker, folder]) await each[Symbol.asyncDispose]();
    },
  };
}

function untilDrawn(page: Page, vehicles: number): Promise<void> {
  return untilAtLeast(page, 'document.documentElement.dataset.vehiclesDrawn', vehicles);
}

/** Waits until an expression has at least a value in the page. */
async function untilAtLeast(page: Page, expression: string, value: number): Promise<void> {
  const giveUpAt = performance.now() + DRAWN_WITHIN_MS;
  for (;;) {
    const current = Number(await page.evaluate<string>(expression));
    if (current >= value) return;
    if (performance.now() > giveUpAt) throw new Error(`${expression} is ${current}, expected ${value}`);
    await pause(100);
  }
}

/** Processor time of the page's main thread per frame, with 10,000 vehicles that move once a second. */
export async function measureMainThread(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using opened = await openPage({ before: DRAW_NOTHING });
  const { page } = opened;
  await using _fleet = driveFleet(opened.brokerUrl, { vehicles: MANY_VEHICLES });
  say(`waiting for ${MANY_VEHICLES} vehicles on the page`);
  await untilDrawn(page, MANY_VEHICLES);
  await pause(effort.roundMs);
  const frames = await recordMainThread(page, () => pause(MAIN_THREAD_MS));
  const histogram = newLatencies();
  for (const ms of frames) recordMs(histogram, ms);
  const p95 = histogram.getValueAtPercentile(95) / 1_000;
  const mode = await page.evaluate<string>('document.documentElement.dataset.mapMode');
  say(`${frames.length} frames with ${mode}, p95 ${p95.toFixed(1)} ms`);
  return [
    {
      kind: 'latency',
      name: `main thread per frame, ${MANY_VEHICLES.toLocaleString('en')} vehicles`,
      note: `scripts, style and layout; ${mode}, without draw calls`,
      micros: percentiles(histogram),
    },
  ];
}

/** Each point is from a new device, so the first frame with the device shows the point. Starts once the page has loaded its map. */
export async function measureDrawn(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using opened = await openPage({ before: DRAW_NOTHING });
  const { page } = opened;
  const token = await makeToken(SECRET, { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }, '1h');
  await using client = new TelemetryClient(opened.ingestUrl, { token, connections: 4 });
  await client.sendFromNewDevice();
  await untilDrawn(page, 1);
  await pause(effort.roundMs);
  await page.evaluate(RECORD_DRAWN);
  const acceptedAt = new Map<string, number>();
  say(`${EVENTS_PER_SECOND} events/s`);
  await openLoop({
    durationMs: effort.roundMs * 2,
    ratePerSecond: EVENTS_PER_SECOND,
    operation: async () => {
      const deviceId = await client.sendFromNewDevice();
      acceptedAt.set(deviceId, performance.timeOrigin + performance.now());
    },
  });
  await untilAtLeast(page, 'drawnAt.size', acceptedAt.size + 1);
  const drawnAt = new Map(await page.evaluate<[string, number][]>('[...drawnAt]'));
  const histogram = newLatencies();
  for (const [deviceId, accepted] of acceptedAt) {
    const drawn = drawnAt.get(deviceId);
    if (drawn === undefined) throw new Error(`vehicle ${deviceId} was not drawn`);
    recordMs(histogram, drawn - accepted);
  }
  return [
    {
      kind: 'latency',
      name: 'accepted to drawn in a browser',
      note: `${EVENTS_PER_SECOND} events/s, tick 500 ms, without draw calls`,
      micros: percentiles(histogram),
    },
  ];
}

/** The page's heap after ten minutes against that after the first one. */
export async function measureMemory(_: Effort, say: (what: string) => void): Promise<Row[]> {
  await using opened = await openPage();
  const { page } = opened;
  await using _fleet = driveFleet(opened.brokerUrl, { vehicles: FEW_VEHICLES });
  await untilDrawn(page, FEW_VEHICLES);
  const heaps: number[] = [];
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    await pause(60_000);
    heaps.push((await heapBytes(page)) / 2 ** 20);
    say(`minute ${minute}: ${heaps.at(-1)!.toFixed(1)} MiB`);
  }
  return [
    {
      kind: 'comparison',
      name: `heap of the page after ${MINUTES} minutes, ${FEW_VEHICLES.toLocaleString('en')} vehicles`,
      unit: 'MiB',
      target: { atMost: 1.05 },
      result: comparison(sideResult('last minute', [heaps.at(-1)!]), sideResult('minute 1', [heaps[0]!])),
    },
  ];
}
