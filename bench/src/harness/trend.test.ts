import { describe, expect, it } from 'vitest';
import { trendOf, type Sample } from './trend.js';

const MINUTE_MS = 60_000;
const KINDS = ['a', 'b', 'c', 'd', 'e'];

/** Six rounds of five turns of two minutes, with twelve samples each. */
function samples(valueAt: (minutes: number, kind: number) => number): Sample[] {
  return Array.from({ length: 6 * 5 * 12 }, (_, index) => {
    const turn = Math.floor(index / 12);
    const minutes = index / 6;
    const kind = turn % 5;
    // A disturbance that repeats, but not with the turns.
    const noise = ((index * 37) % 11) - 5;
    return {
      atMs: minutes * MINUTE_MS,
      round: Math.floor(turn / 5),
      kind: KINDS[kind]!,
      value: valueAt(minutes, kind) + noise,
    };
  });
}

describe('trendOf', () => {
  it('reports that a value grows, and how fast', () => {
    const trend = trendOf(
      samples((minutes) => 200 + minutes),
      1,
    );
    expect(trend.grows).toBe(true);
    expect(trend.interval[0]).toBeLessThan(60);
    expect(trend.interval[1]).toBeGreaterThan(60);
    expect(trend.slope).toBeCloseTo(60, -1);
    expect(trend.rounds).toHaveLength(6);
  });

  it('does not mistake a kind that needs much for growth', () => {
    const trend = trendOf(
      samples((_, kind) => 200 + kind ** 3 * 10),
      1,
    );
    expect(trend.grows).toBe(false);
    expect(Math.abs(trend.slope)).toBeLessThan(10);
  });

  it('finds growth in the turns of a single kind among kinds that need more', () => {
    const trend = trendOf(
      samples((minutes, kind) => (kind === 0 ? 100 + 5 * minutes : 300)),
      1,
    );
    expect(trend.grows).toBe(true);
  });

  it('ignores the rise within the first round', () => {
    expect(
      trendOf(
        samples((minutes) => Math.min(300, 100 + minutes * 20)),
        1,
      ).grows,
    ).toBe(false);
  });

  it('tolerates what is small', () => {
    const slow = samples((minutes) => 100 + minutes / 4);
    expect(trendOf(slow, 1).grows).toBe(true);
    expect(trendOf(slow, 16).grows).toBe(false);
  });

  it('claims nothing about a single round', () => {
    const trend = trendOf(
      samples((minutes) => minutes).filter(({ round }) => round < 2),
      1,
    );
    expect(trend).toMatchObject({ grows: false, interval: [-Infinity, Infinity] });
  });
});
