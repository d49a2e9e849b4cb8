import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { CityState } from '../fold/city-state.js';
import { NOW } from '../fold/events.fixture.js';
import type { FoldService } from '../log/fold.service.js';
import type { LiveMetrics } from '../metrics/live-metrics.service.js';
import type { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';
import type { RebuildService } from '../rebuild/rebuild.service.js';
import type { StatsService } from '../stats/stats.service.js';
import { LiveService } from './live.service.js';
import { Turnstile } from './turnstile.js';

const TICK_MS = 10_000;

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

const nothing = (): void => undefined;

function setUp() {
  const city = new CityState();
  const rebuild = { isComplete: false, status: { kind: 'following' }, onComplete: nothing };
  const metrics = {
    lastUnreadableAt: null,
    unreadableCount: 0,
    setFollowing: nothing,
    observeTick: nothing,
  };
  const service = new LiveService(
    city,
    { takeReceipts: () => [] } as unknown as FoldService,
    metrics as unknown as RealtimeMetrics,
    rebuild as unknown as RebuildService,
    { noteTick: nothing } as unknown as StatsService,
    { observeTick: nothing } as unknown as LiveMetrics,
    TICK_MS,
    {
      sockets: 1,
      socketsPerToken: 1,
      viewportsPerSecond: 1,
      watchesPerSecond: 1,
      handshakesPerTick: 1,
      snapshotsPerTick: 1,
      resumeDepartures: 0,
      backlogBytes: 1e9,
    },
    new Turnstile({ perTick: 1, maxWaiting: 1 }),
    pino({ level: 'silent' }),
  );
  return { city, rebuild, service };
}

it('ticks as soon as the city is complete, and then in the usual interval', async () => {
  const { city, rebuild, service } = setUp();
  service.start(nothing);
  await vi.advanceTimersByTimeAsync(TICK_MS);
  expect(city.summary(null)).toBeNull();
  await vi.advanceTimersByTimeAsync(1);
  rebuild.isComplete = true;
  rebuild.onComplete();
  expect(city.summary(null)?.asOf).toBe(NOW + TICK_MS + 1);
  // The interval is that of a clock which is not faked.
  await vi.advanceTimersByTimeAsync(TICK_MS / 2);
  expect(city.summary(null)?.asOf).toBe(NOW + TICK_MS + 1);
  await vi.advanceTimersByTimeAsync(TICK_MS);
  expect(city.summary(null)?.asOf).toBeGreaterThan(NOW + TICK_MS + TICK_MS / 2);
  service.onModuleDestroy();
  rebuild.onComplete();
  expect(vi.getTimerCount()).toBe(0);
});
