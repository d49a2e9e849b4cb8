import { describe, expect, it } from 'vitest';
import { Departures } from './departures.js';
import { cover, finestCellAt } from './grid.js';

const monaco = cover({ west: 7.4, south: 43.72, east: 7.45, north: 43.76 });
const inMonaco = finestCellAt(43.74, 7.42);
const inNice = finestCellAt(43.7, 7.25);

describe('Departures', () => {
  it('returns what has departed from a range after a sequence, each once', () => {
    const departures = new Departures<string>(10);
    departures.add({ sequence: 1, cell: inMonaco, subject: 'a' });
    departures.add({ sequence: 2, cell: inNice, subject: 'b' });
    departures.add({ sequence: 3, cell: inMonaco, subject: 'c' });
    departures.add({ sequence: 4, cell: inMonaco, subject: 'c' });
    expect([...departures.since(0, monaco)].toSorted()).toEqual(['a', 'c']);
    expect([...departures.since(1, monaco)]).toEqual(['c']);
    expect([...departures.since(4, monaco)]).toEqual([]);
  });

  it('drops the oldest beyond its limit, and is complete only after the last that it dropped', () => {
    const departures = new Departures<number>(2);
    expect(departures.isCompleteSince(0)).toBe(true);
    for (const sequence of [1, 2, 3]) departures.add({ sequence, cell: inMonaco, subject: sequence });
    expect(departures.isCompleteSince(0)).toBe(false);
    expect(departures.isCompleteSince(1)).toBe(true);
    expect([...departures.since(1, monaco)].toSorted()).toEqual([2, 3]);
  });

  it('is complete only after the last departure if its limit is 0', () => {
    const departures = new Departures<number>(0);
    departures.add({ sequence: 5, cell: inMonaco, subject: 5 });
    expect(departures.isCompleteSince(4)).toBe(false);
    expect(departures.isCompleteSince(5)).toBe(true);
    expect(departures.since(5, monaco).size).toBe(0);
  });
});
