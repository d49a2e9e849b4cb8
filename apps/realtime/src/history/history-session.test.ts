import { performance } from 'node:perf_hooks';
import type { HistoryFrame, HistoryStatus } from '@hailstream/events/live';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_BACKLOG_BYTES } from '../live/broadcaster.js';
import { HistoryError } from '../query/history.errors.js';
import { HistorySession } from './history-session.js';

const TICK_MS = 500;
const IDLE_MS = 60_000;
const START = 1_000_000;
const viewport = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

/** A session on a moment whose views contain nothing but the moment. */
function setUp(open: () => Promise<void> = () => Promise.resolve()) {
  const page = {
    backlog: 0,
    frames: [] as HistoryFrame[],
    statuses: [] as HistoryStatus[],
  };
  const views: number[] = [];
  const moment = { disposals: 0 };
  const closed: string[] = [];
  const session = new HistorySession(
    { seek: 1, at: START, by: 'event', viewport },
    {
      client: {
        send: (message: string, payload: unknown) => {
          if (message === 'historyStatus') page.statuses.push(payload as HistoryStatus);
          else page.frames.push(payload as HistoryFrame);
        },
        backlogBytes: () => page.backlog,
      },
      createMoment: () => ({
        open,
        call: (_, argument) => {
          const { at } = argument as { at: number };
          views.push(at);
          return Promise.resolve({ frame: { asOf: at }, unreadableRecords: 0 }) as never;
        },
        [Symbol.asyncDispose]: () => {
          moment.disposals += 1;
          return Promise.resolve();
        },
      }),
      filter: null,
      limits: () => ({ earliest: 0, latest: START + 3_600_000 }),
      tickMs: TICK_MS,
      idleMs: IDLE_MS,
      onSeek: () => undefined,
      onClosed: (code) => closed.push(code),
    },
  );
  return { session, page, views, moment, closed };
}

describe('HistorySession', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('is closed with IDLE, and its worker ended, after the time without a request', async () => {
    const { session, page, moment, closed } = setUp();
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    session.watch(null);
    await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
    expect(closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(closed).toEqual(['IDLE']);
    expect(page.statuses.at(-1)).toEqual({
      kind: 'closed',
      code: 'IDLE',
      reason: 'nothing was requested for 1 minutes',
    });
    expect(moment.disposals).toBe(1);
  });

  it('is not idle while it plays', async () => {
    const { session, closed } = setUp();
    session.play(1);
    await vi.advanceTimersByTimeAsync(3 * IDLE_MS);
    expect(closed).toEqual([]);
    session.close('CLOSED', null);
  });

  it('stops the moment while the page does not read, and continues from there', async () => {
    const { session, page, views } = setUp();
    session.play(10);
    await vi.advanceTimersByTimeAsync(4 * TICK_MS);
    page.backlog = MAX_BACKLOG_BYTES + 1;
    await vi.advanceTimersByTimeAsync(TICK_MS);
    const stoppedAt = views.at(-1)!;
    const { length } = page.frames;
    await vi.advanceTimersByTimeAsync(20 * TICK_MS);
    expect(views.at(-1)).toBe(stoppedAt);
    expect(page.frames.length).toBe(length);
    page.backlog = 0;
    await vi.advanceTimersByTimeAsync(TICK_MS);
    const next = views.find((at) => at > stoppedAt)!;
    expect(next - stoppedAt).toBeLessThanOrEqual(10 * 2 * TICK_MS);
    session.close('CLOSED', null);
  });

  it('is closed with the code of the failure if the moment cannot be read', async () => {
    const { page, closed, moment } = setUp(() =>
      Promise.reject(new HistoryError('LIMIT_EXCEEDED', 'too large')),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect(closed).toEqual(['LIMIT_EXCEEDED']);
    expect(page.statuses.at(-1)).toEqual({ kind: 'closed', code: 'LIMIT_EXCEEDED', reason: 'too large' });
    expect(moment.disposals).toBe(1);
  });
});
