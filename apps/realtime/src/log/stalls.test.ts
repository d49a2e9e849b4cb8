import type { PartitionLag } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { STALLED_AFTER_MS, Stalls } from './stalls.js';

const later = STALLED_AFTER_MS;

function lag(position: bigint, highWatermark: bigint): PartitionLag {
  return { topic: 'a', partition: 0, position, highWatermark, records: highWatermark - position };
}

/** The clock of the date is an hour ahead. */
function observe(stalls: Stalls, lags: readonly PartitionLag[], now: number) {
  return stalls.observe(lags, now, now + 3_600_000);
}

describe('Stalls', () => {
  it('reports a partition whose position has not changed for long enough while records follow it', () => {
    const stalls = new Stalls();
    expect(observe(stalls, [lag(100n, 150n)], 0)).toEqual([]);
    expect(observe(stalls, [lag(100n, 160n)], later - 1)).toEqual([]);
    expect(observe(stalls, [lag(100n, 160n)], later)).toEqual([
      { topic: 'a', partition: 0, position: 100n, records: 60n, since: 3_600_000 },
    ]);
  });

  it('does not report a partition without records to read, an open transaction for example', () => {
    const stalls = new Stalls();
    expect(observe(stalls, [lag(150n, 150n)], 0)).toEqual([]);
    expect(observe(stalls, [lag(150n, 150n)], 9 * later)).toEqual([]);
  });

  it('does not report a partition whose position changes, however large the lag', () => {
    const stalls = new Stalls();
    for (let n = 0n; n < 10n; n += 1n) {
      expect(observe(stalls, [lag(101n + n, 200n + n * 100n)], Number(n) * later)).toEqual([]);
    }
  });

  it('counts from when records arrived, not from when the position last changed', () => {
    const stalls = new Stalls();
    expect(observe(stalls, [lag(150n, 150n)], 0)).toEqual([]);
    expect(observe(stalls, [lag(150n, 151n)], 10 * later)).toEqual([]);
    expect(observe(stalls, [lag(150n, 151n)], 11 * later)).toMatchObject([
      { position: 150n, records: 1n, since: 3_600_000 + 10 * later },
    ]);
    expect(observe(stalls, [lag(151n, 151n)], 12 * later)).toEqual([]);
  });

  it('reports nothing of the time before it was cleared', () => {
    const stalls = new Stalls();
    observe(stalls, [lag(1n, 2n)], 0);
    stalls.clear();
    expect(observe(stalls, [lag(1n, 2n)], later)).toEqual([]);
  });
});
