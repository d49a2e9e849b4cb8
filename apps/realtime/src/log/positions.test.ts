import { describe, expect, it } from 'vitest';
import { LogPositions, STALLED_AFTER_MS } from './positions.js';

function begun(): LogPositions {
  const positions = new LogPositions();
  positions.begin('a', 0, { start: 100n, end: 150n });
  positions.begin('a', 1, { start: 7n, end: 7n });
  positions.begin('b', 0, { start: 0n, end: 50n });
  return positions;
}

describe('LogPositions', () => {
  it('is not caught up before it knows what there is', () => {
    expect(new LogPositions().isCaughtUp).toBe(false);
  });

  it('is caught up at once with a log that has nothing to read', () => {
    const positions = new LogPositions();
    positions.begin('a', 0, { start: 7n, end: 7n });
    expect(positions.isCaughtUp).toBe(true);
  });

  it('is caught up once every partition is folded to where it ended at start', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    expect(positions.isCaughtUp).toBe(false);
    expect(positions.progress).toEqual({ folded: 50n, of: 100n });
    positions.advance('b', 0, 60n);
    expect(positions.isCaughtUp).toBe(true);
    expect(positions.progress).toEqual({ folded: 100n, of: 100n });
  });

  it('stays caught up while the log grows, and says by how much it lags', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    positions.advance('b', 0, 50n);
    expect(positions.lagRecords).toBe(0n);
    positions.ends('a', 1, 10n);
    positions.ends('b', 0, 52n);
    expect(positions.lagRecords).toBe(5n);
    expect(positions.isCaughtUp).toBe(true);
  });

  it('knows records that come again', () => {
    const positions = begun();
    expect(positions.isNew('a', 0, 100n)).toBe(true);
    positions.advance('a', 0, 120n);
    expect(positions.isNew('a', 0, 119n)).toBe(false);
    expect(positions.isNew('a', 0, 120n)).toBe(true);
    positions.advance('a', 0, 110n);
    expect(positions.isNew('a', 0, 119n)).toBe(false);
  });
});

describe('a partition that does not move', () => {
  const later = STALLED_AFTER_MS;

  it('is a stall once records have been behind its position for long enough', () => {
    const positions = begun();
    positions.advance('b', 0, 50n);
    expect(positions.observe(0)).toEqual([]);
    expect(positions.observe(later - 1)).toEqual([]);
    expect(positions.observe(later)).toEqual([{ topic: 'a', partition: 0, next: 100n, behind: 50n }]);
  });

  it('is none while a transaction is open, however long that takes', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    positions.advance('b', 0, 50n);
    positions.ends('a', 0, 170n);
    positions.committedTo('a', 0, 150n);
    expect(positions.lagRecords).toBe(20n);
    expect([positions.observe(0), positions.observe(9 * later)]).toEqual([[], []]);
  });

  it('is none while it moves, however far behind it is', () => {
    const positions = begun();
    positions.advance('b', 0, 50n);
    for (let n = 0n; n < 10n; n += 1n) {
      positions.advance('a', 0, 101n + n);
      positions.committedTo('a', 0, 200n + n * 100n);
      expect(positions.observe(Number(n) * later)).toEqual([]);
    }
  });

  it('is counted from when the records came, not from when it moved last', () => {
    const positions = begun();
    positions.advance('a', 0, 150n);
    positions.advance('b', 0, 50n);
    expect(positions.observe(0)).toEqual([]);
    positions.committedTo('a', 0, 151n);
    expect(positions.observe(10 * later)).toEqual([]);
    expect(positions.observe(11 * later)).toMatchObject([{ topic: 'a', partition: 0, behind: 1n }]);
    positions.advance('a', 0, 151n);
    expect(positions.observe(12 * later)).toEqual([]);
  });
});

it('LogPositions knows nothing after it was cleared', () => {
  const positions = begun();
  positions.advance('a', 0, 150n);
  positions.advance('b', 0, 50n);
  positions.clear();
  expect(positions).toMatchObject({ isCaughtUp: false, lagRecords: 0n, progress: { folded: 0n, of: 0n } });
  expect(positions.isNew('a', 0, 0n)).toBe(true);
  // A batch that was still on its way tells nothing of how much there is to read.
  positions.advance('a', 0, 3n);
  expect(positions.isCaughtUp).toBe(false);
});
