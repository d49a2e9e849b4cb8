import type { HistoryRange } from '@hailstream/events/live';
import { describe, expect, it, vi } from 'vitest';
import type { Answer } from '../connection/request.js';
import { HistoryOffer } from './history-offer.js';

const activity = { from: 1, stepMs: 1, counts: [1] };
const range: HistoryRange = { by: 'event', earliest: 1, latest: 2, activity, backfill: null };
const failed = (status: number | null): Answer<HistoryRange> => ({ kind: 'failed', status, reason: 'x' });

/** Loads with these answers, until none is requested. */
async function load(...answers: Answer<HistoryRange>[]) {
  vi.useFakeTimers();
  const left = [...answers];
  const request = vi.fn(() => Promise.resolve(left.shift() ?? failed(404)));
  const offer = new HistoryOffer(request);
  const kinds: string[] = [];
  offer.offered.subscribe(() => kinds.push(offer.offered.get().kind));
  await offer.load();
  await vi.runAllTimersAsync();
  return { kinds, requests: request.mock.calls.length };
}

describe('HistoryOffer', () => {
  it('requests the range again while the service has one, or does not respond', async () => {
    const ok: Answer<HistoryRange> = { kind: 'ok', body: range };
    const { kinds, requests } = await load(failed(503), failed(null), ok, failed(503), ok);
    expect(kinds).toEqual(['range', 'range', 'none']);
    expect(requests).toBe(6);
  });

  it('requests the range more often while an earlier history is read', async () => {
    vi.useFakeTimers();
    const body = { ...range, backfill: { percent: 40, since: 0 } };
    const request = vi.fn(() => Promise.resolve<Answer<HistoryRange>>({ kind: 'ok', body }));
    const offer = new HistoryOffer(request);
    await offer.load();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(request).toHaveBeenCalledTimes(2);
    request.mockResolvedValue({ kind: 'ok', body: range });
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(request).toHaveBeenCalledTimes(3);
    vi.clearAllTimers();
  });

  it('stops if the service has no history, or the user is signed out', async () => {
    expect(await load(failed(404), failed(404))).toEqual({ kinds: ['none'], requests: 1 });
    expect(await load({ kind: 'refused', waitMs: null })).toEqual({ kinds: [], requests: 1 });
  });
});
