import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { describe, expect, it, vi } from 'vitest';
import { fixedToken } from '../src/ingest-token.js';
import { IngestClient } from '../src/outbox/ingest-client.http.js';
import { Outbox } from '../src/outbox/outbox.js';
import { CityRunner } from '../src/simulation/city-runner.js';
import { SimulatedCity } from '../src/simulation/city.js';
import { FakeIngest } from './_fake-ingest.js';
import { monacoGraph } from './_monaco.js';

const bounds = { telemetry: 150, telemetryIfAvailable: 100, events: 90 };

it('thins telemetry while ingest is unavailable, pauses before another event is lost, and resumes', async () => {
  await using ingest = await FakeIngest.start();
  await ingest.down();
  await using client = new IngestClient({ url: ingest.url, token: fixedToken(undefined), maxConnections: 2 });
  const observer = { unavailable: () => {}, recovered: () => {}, rejected: () => {}, failed: () => {} };
  using outbox = new Outbox({ client, observer });
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', level: 'info' }, { write: (line: string) => lines.push(line) });
  const hasLogged = (text: string): boolean => lines.some((line) => line.includes(text));
  const startMs = Date.now();
  let happened = 0;
  const city = new SimulatedCity({
    graph: monacoGraph,
    vehicles: 60,
    seed: 'test',
    providerId: '0197a1c0-6d1f-7000-8000-000000000001',
    startMs,
    emit: (kind, event) => {
      happened += 1;
      outbox.put(kind, event);
    },
  });
  {
    await using _runner = new CityRunner({ cities: [city], outbox, logger, startMs, bounds });
    await until(() => hasLogged('simulation paused'));
    expect(outbox.waiting('vehicle-events')).toBeGreaterThan(bounds.events);
    await ingest.up();
    await until(() => hasLogged('simulation resumed'));
    await ingest.down();
    // Each car sends one point per second, and few vehicle events occur.
    await until(() => hasLogged('telemetry thinned'));
    expect(outbox.waiting('telemetry')).toBeLessThanOrEqual(bounds.telemetry);
    await ingest.up();
  }
  const { accepted, rejected, thinned } = outbox.counts;
  expect(outbox.waiting()).toBe(0);
  expect(thinned).toBeGreaterThan(0);
  expect(rejected).toBe(0);
  expect(accepted + thinned).toBe(happened);
});

it('pauses while the system clock is behind', async () => {
  await using client = new IngestClient({
    url: new URL('http://127.0.0.1:9'),
    token: fixedToken(undefined),
    maxConnections: 1,
  });
  const observer = { unavailable: () => {}, recovered: () => {}, rejected: () => {}, failed: () => {} };
  using outbox = new Outbox({ client, observer });
  const lines: string[] = [];
  const logger = createLogger({ name: 'test', level: 'info' }, { write: (line: string) => lines.push(line) });
  const startMs = Date.now() + 3_600_000;
  const city = new SimulatedCity({
    graph: monacoGraph,
    vehicles: 1,
    seed: 'test',
    providerId: '0197a1c0-6d1f-7000-8000-000000000001',
    startMs,
    emit: () => {},
  });
  await using _runner = new CityRunner({ cities: [city], outbox, logger, startMs });
  await until(() => lines.some((line) => line.includes('system clock was set back')));
});

describe('a simulation that is slower than real time', () => {
  /** Runs a city until a log line contains `text`. Returns the counts of the outbox, and how many events occurred. */
  async function runUntil(text: string, ingest: FakeIngest, onStep: () => void) {
    await using client = new IngestClient({
      url: ingest.url,
      token: fixedToken(undefined),
      maxConnections: 2,
    });
    const observer = { unavailable: () => {}, recovered: () => {}, rejected: () => {}, failed: () => {} };
    using outbox = new Outbox({ client, observer });
    const lines: string[] = [];
    const logger = createLogger(
      { name: 'test', level: 'info' },
      { write: (line: string) => lines.push(line) },
    );
    const startMs = Date.now();
    let happened = 0;
    let maxWaiting = 0;
    const city = new SimulatedCity({
      graph: monacoGraph,
      vehicles: 200,
      seed: 'test',
      providerId: '0197a1c0-6d1f-7000-8000-000000000001',
      startMs,
      emit: (kind, event) => {
        happened += 1;
        outbox.put(kind, event);
        maxWaiting = Math.max(maxWaiting, outbox.waiting('telemetry'));
      },
    });
    const step = city.step.bind(city);
    vi.spyOn(city, 'step').mockImplementation((nowMs) => {
      onStep();
      step(nowMs);
    });
    {
      const limits = { telemetry: 100_000, telemetryIfAvailable: 300, events: 100_000 };
      await using _runner = new CityRunner({ cities: [city], outbox, logger, startMs, bounds: limits });
      await until(() => lines.some((line) => line.includes(text)), { timeoutMs: 40_000 });
      ingest.delayMs = 0;
    }
    return { counts: outbox.counts, happened, maxWaiting, lines };
  }

  it('waits for a slow ingest instead of dropping telemetry, and names ingest', async () => {
    await using ingest = await FakeIngest.start();
    ingest.delayMs = 5_000;
    const { counts, happened, maxWaiting, lines } = await runUntil(
      'ingest accepts too few events per second',
      ingest,
      () => {},
    );
    expect(counts).toMatchObject({ accepted: happened, thinned: 0, rejected: 0 });
    // A step adds a tenth of the vehicles, and each of them at most a point.
    expect(maxWaiting).toBeLessThanOrEqual(300 + 20);
    expect(lines.some((line) => line.includes('reduce --vehicles'))).toBe(false);
  }, 60_000);

  it('drops nothing if steps take longer than real time, and names the simulator', async () => {
    await using ingest = await FakeIngest.start();
    const { counts, happened } = await runUntil('reduce --vehicles', ingest, () => {
      const start = performance.now();
      while (performance.now() - start < 250) Math.sqrt(start);
    });
    expect(counts).toMatchObject({ accepted: happened, thinned: 0, rejected: 0 });
  }, 60_000);
});
