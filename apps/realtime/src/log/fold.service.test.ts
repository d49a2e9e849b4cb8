import { telemetryFamily } from '@hailstream/events';
import type { LogRecord } from '@hailstream/log';
import { LogConsumerMetrics } from '@hailstream/nest';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { FeedsService } from '../feeds/feeds.service.js';
import { CityState } from '../fold/city-state.js';
import { NOW, telemetry } from '../fold/events.fixture.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import { ZoneBook } from '../geofences/zone-book.js';
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

function batchOf(values: readonly unknown[]) {
  const records = values.map((value, n): LogRecord => ({
    offset: BigInt(n),
    timestampMs: NOW,
    key: null,
    value: Buffer.from(JSON.stringify(value)),
    headers: {},
  }));
  const nextOffset = BigInt(values.length);
  return { topic, partition: 0, records, nextOffset, highWatermark: nextOffset };
}

describe('FoldService', () => {
  it('counts and skips unreadable records, and limits the rate of their log messages', () => {
    const { service, city, metrics, positions, lines } = setUp();
    service.fold(batchOf([...Array.from({ length: 100 }, () => ({})), telemetry().event]));
    service.onModuleDestroy();
    expect(metrics.unreadableCount).toBe(100);
    expect(city.devicesSeen).toBe(1);
    expect(positions.nextOffset(topic, 0)).toBe(101n);
    expect(lines).toMatchObject([{ msg: 'skipped an unreadable record', topic, offset: '0' }]);
  });

  it('counts and skips a record that fails to fold, so that it does not stop the others', () => {
    const { service, city, metrics, positions, lines } = setUp();
    vi.spyOn(city, 'fold').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    service.fold(batchOf([telemetry().event, telemetry().event]));
    service.onModuleDestroy();
    expect(metrics.unreadableCount).toBe(1);
    expect(positions.nextOffset(topic, 0)).toBe(2n);
    expect(lines).toMatchObject([{ msg: 'skipped a record that failed to fold' }]);
  });
});
