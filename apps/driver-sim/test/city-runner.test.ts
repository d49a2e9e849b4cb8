import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { expect, it } from 'vitest';
import { IngestClient } from '../src/outbox/ingest-client.http.js';
import { Outbox } from '../src/outbox/outbox.js';
import { CityRunner } from '../src/simulation/city-runner.js';
import { SimulatedCity } from '../src/simulation/city.js';
import { FakeIngest } from './_fake-ingest.js';
import { monacoGraph } from './_monaco.js';

const bounds = { telemetry: 150, events: 90 };

it('thins telemetry while ingest is unavailable, pauses before another event is lost, and resumes', async () => {
  await using ingest = await FakeIngest.start();
  await ingest.down();
  await using client = new IngestClient({ url: ingest.url, token: undefined, maxConnections: 2 });
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
    await using _runner = new CityRunner({ city, outbox, logger, startMs, bounds });
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
    token: undefined,
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
  await using _runner = new CityRunner({ city, outbox, logger, startMs });
  await until(() => lines.some((line) => line.includes('system clock was set back')));
});
