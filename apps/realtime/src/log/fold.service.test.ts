import { telemetryFamily } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import { LogConsumerMetrics } from '@hailstream/nest';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FeedsService } from '../feeds/feeds.service.js';
import { CityState } from '../fold/city-state.js';
import { id, NOW, telemetry } from '../fold/events.fixture.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { stateOf } from '../views/city-view.fixture.js';
import { FoldService } from './fold.service.js';
import { LogIndex } from './log-index.js';
import { LogPositions } from './positions.js';

const topic = telemetryFamily.topic.name;

function setUp() {
  const lines: { msg: string; times: number }[] = [];
  const logger = pino(
    { level: 'warn' },
    { write: (line: string) => void lines.push(JSON.parse(line) as never) },
  );
  const registry = new Registry();
  const city = new CityState();
  const index = new LogIndex();
  const metrics = new RealtimeMetrics(registry, city);
  const positions = new LogPositions();
  const feeds = new FeedsService({ bbox: { west: 7.4, south: 43.7, east: 7.5, north: 43.8 } });
  const service = new FoldService(
    city,
    positions,
    index,
    new ZoneBook(city),
    feeds,
    metrics,
    new LogConsumerMetrics(registry),
    logger,
  );
  return { service, city, metrics, positions, lines };
}

/** Each look at the clock takes a millisecond: a slice has about ten records. */
function slowClock(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 1));
}

function batchOf(values: readonly unknown[], first = 0) {
  const records = values.map((value, n): LogRecord => ({
    offset: BigInt(first + n),
    timestampMs: NOW,
    key: null,
    value: Buffer.from(JSON.stringify(value)),
    headers: {},
  }));
  const nextOffset = BigInt(first + values.length);
  return { topic, partition: 0, records, nextOffset, highWatermark: nextOffset };
}

describe('FoldService', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('counts and skips unreadable records, and limits the rate of their log messages', async () => {
    const { service, city, metrics, positions, lines } = setUp();
    await service.fold(batchOf([...Array.from({ length: 100 }, () => ({})), telemetry().event]));
    service.onModuleDestroy();
    expect(metrics.unreadableCount).toBe(100);
    expect(city.devicesSeen).toBe(1);
    expect(positions.nextOffset(topic, 0)).toBe(101n);
    expect(lines).toMatchObject([{ msg: 'skipped an unreadable record', topic, offset: '0' }]);
  });

  it('counts and skips a record that fails to fold, so that it does not stop the others', async () => {
    const { service, city, metrics, positions, lines } = setUp();
    vi.spyOn(city, 'fold').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    await service.fold(batchOf([telemetry().event, telemetry().event]));
    service.onModuleDestroy();
    expect(metrics.unreadableCount).toBe(1);
    expect(positions.nextOffset(topic, 0)).toBe(2n);
    expect(lines).toMatchObject([{ msg: 'skipped a record that failed to fold' }]);
  });

  it('serves the event loop while it folds a large batch, and its positions are those of the folded records', async () => {
    slowClock();
    const { service, city, positions } = setUp();
    const count = 1_000;
    const values = Array.from({ length: count }, (_, n) => telemetry({ device_id: id(n) }).event);
    let isFolded = false;
    const folding = service.fold(batchOf(values)).then(() => (isFolded = true));
    let interruptions = 0;
    for (; !isFolded; await nextTurn()) {
      const folded = Number(positions.nextOffset(topic, 0) ?? 0n);
      expect(city.devicesSeen).toBe(folded);
      if (folded > 0 && folded < count) interruptions += 1;
    }
    await folding;
    service.onModuleDestroy();
    expect(interruptions).toBeGreaterThan(1);
    expect(city.devicesSeen).toBe(count);
  });

  it('folds the same batches to the same city, if they are passed again before they are folded', async () => {
    slowClock();
    const [once, again] = [setUp(), setUp()];
    const values = Array.from({ length: 600 }, (_, n) =>
      n % 3 === 0 ? {} : telemetry({ device_id: id(n % 100), timestamp: NOW - n }).event,
    );
    const batches = [0, 200, 400].map((first) => batchOf(values.slice(first, first + 200), first));
    for (const batch of batches) await once.service.fold(batch);
    // As after a rebalance: the new owner starts at the position, while the batch of the old one is being folded.
    const old = again.service.fold(batches[0]!);
    await nextTurn();
    const position = Number(again.positions.nextOffset(topic, 0));
    expect(position).toBeLessThan(200);
    await again.service.fold(batchOf(values.slice(position), position));
    await old;
    for (const { service } of [once, again]) service.onModuleDestroy();
    expect(stateOf(again.city, NOW)).toEqual(stateOf(once.city, NOW));
    expect(again.city.eventsSeen()).toEqual(once.city.eventsSeen());
    expect(again.metrics.unreadableCount).toBe(200);
    expect(again.positions.nextOffset(topic, 0)).toBe(600n);
  });

  it('leaves the rest of a batch, if the log is replaced before it is folded', async () => {
    slowClock();
    const { service, city, positions } = setUp();
    const values = Array.from({ length: 600 }, (_, n) => telemetry({ device_id: id(n) }).event);
    const folding = service.fold(batchOf(values));
    await nextTurn();
    positions.clear();
    city.clear();
    await folding;
    service.onModuleDestroy();
    expect(city.devicesSeen).toBe(0);
    expect(positions.nextOffset(topic, 0)).toBeUndefined();
  });
});
