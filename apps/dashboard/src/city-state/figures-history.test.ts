import { describe, expect, it } from 'vitest';
import { FiguresHistory, HISTORY_SECONDS } from './figures-history.js';

const START_MS = 1_800_000_000_000;

function historyOf(...entries: [second: number, value: number][]): (number | null)[] {
  const history = new FiguresHistory();
  for (const [second, value] of entries) history.add(START_MS + second * 1000, value);
  return history.values();
}

describe('FiguresHistory', () => {
  it('starts without values', () => {
    expect(new FiguresHistory().values()).toEqual(Array.from({ length: HISTORY_SECONDS }, () => null));
  });

  it('ends with the newest second', () => {
    expect(historyOf([0, 1], [1, 2], [2, 3]).slice(-4)).toEqual([null, 1, 2, 3]);
  });

  it('keeps the newest value of a second', () => {
    expect(historyOf([0, 1], [0.5, 7], [1, 2]).slice(-2)).toEqual([7, 2]);
  });

  it('fills the gap of a late frame and keeps longer gaps', () => {
    expect(historyOf([0, 1], [2, 3]).slice(-3)).toEqual([1, 3, 3]);
    expect(historyOf([0, 1], [4, 3]).slice(-5)).toEqual([1, null, null, null, 3]);
  });

  it('fills longer gaps if frames are further apart, and nothing before the first one', () => {
    const history = new FiguresHistory({ bridgedSeconds: HISTORY_SECONDS - 1 });
    history.add(START_MS, 1);
    history.add(START_MS + 15_000, 4);
    expect(history.values().filter((value) => value !== null)).toEqual([1, ...Array<number>(15).fill(4)]);
  });

  it('drops values older than five minutes, after a gap too', () => {
    expect(historyOf([0, 1], [HISTORY_SECONDS, 2]).filter((value) => value !== null)).toEqual([2]);
    expect(historyOf([0, 1], [10 * HISTORY_SECONDS, 2]).filter((value) => value !== null)).toEqual([2]);
  });

  it('ignores a frame older than the newest', () => {
    expect(historyOf([5, 1], [3, 9]).slice(-3)).toEqual([null, null, 1]);
  });
});
