import type { ResolvedRange } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { LogPositions } from './positions.js';

const range = (topic: string, partition: number, from: bigint, to: bigint): ResolvedRange => ({
  topic,
  topicId: undefined,
  partition,
  from,
  to,
});

function begun(): LogPositions {
  const positions = new LogPositions();
  positions.begin([range('a', 0, 100n, 150n), range('a', 1, 7n, 7n), range('b', 0, 0n, 50n)]);
  return positions;
}

describe('LogPositions', () => {
  it('is not caught up before the ranges are known', () => {
    expect(new LogPositions()).toMatchObject({ isCaughtUp: false, hasRanges: false });
  });

  it('is caught up at once if the ranges are empty', () => {
    const positions = new LogPositions();
    positions.begin([range('a', 0, 7n, 7n)]);
    expect(positions.isCaughtUp).toBe(true);
  });

  it('is caught up once every range is folded, and stays so while the log grows', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    expect(positions.isCaughtUp).toBe(false);
    expect(positions.progress).toEqual({ folded: 50n, of: 100n });
    positions.advance('b', 0, 60n);
    expect(positions.isCaughtUp).toBe(true);
    expect(positions.progress).toEqual({ folded: 100n, of: 100n });
    positions.advance('b', 0, 61n);
    expect(positions.nextOffset('b', 0)).toBe(61n);
    expect(positions.isCaughtUp).toBe(true);
  });

  it('returns what is left of the ranges, from where reading stopped', () => {
    const positions = begun();
    positions.advance('a', 0, 120n);
    positions.advance('b', 0, 50n);
    expect(positions.remaining()).toEqual([range('a', 0, 120n, 150n)]);
    expect(positions.lag()).toEqual([
      { topic: 'a', partition: 0, position: 120n, highWatermark: 150n, records: 30n },
    ]);
  });

  it('recognises records that are delivered again', () => {
    const positions = begun();
    expect(positions.isNew('a', 0, 100n)).toBe(true);
    positions.advance('a', 0, 120n);
    expect(positions.isNew('a', 0, 119n)).toBe(false);
    expect(positions.isNew('a', 0, 120n)).toBe(true);
    positions.advance('a', 0, 110n);
    expect(positions.isNew('a', 0, 119n)).toBe(false);
  });

  it('forgets everything when it is cleared', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    positions.advance('b', 0, 50n);
    positions.clear();
    expect(positions).toMatchObject({ isCaughtUp: false, progress: { folded: 0n, of: 0n } });
    expect(positions.isNew('a', 0, 0n)).toBe(true);
    // A batch that was still being handled does not complete the next rebuild.
    positions.advance('a', 0, 3n);
    expect(positions.isCaughtUp).toBe(false);
  });
});
