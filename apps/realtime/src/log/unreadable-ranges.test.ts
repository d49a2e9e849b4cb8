import { describe, expect, it } from 'vitest';
import { UnreadableRanges } from './unreadable-ranges.js';

const rides = { topic: 'rides', partition: 1 };

const countUntil = (unreadable: UnreadableRanges, at: number) =>
  unreadable.listUntil(at).reduce((sum, { records }) => sum + records, 0);

describe('UnreadableRanges', () => {
  it('counts the records that were received up to a moment', () => {
    const unreadable = new UnreadableRanges();
    unreadable.note({ ...rides, from: 10, to: 15, received: 2_000 });
    unreadable.note({ ...rides, from: 20, to: 21, received: 60_000 });
    expect([1_999, 2_000, 59_999, 60_000].map((at) => countUntil(unreadable, at))).toEqual([0, 5, 5, 6]);
  });

  it('joins records that follow each other', () => {
    const unreadable = new UnreadableRanges();
    for (let offset = 0; offset < 100; offset += 1) {
      unreadable.note({ ...rides, from: offset, to: offset + 1, received: 5_000 + offset });
    }
    expect(unreadable.list()).toEqual([{ ...rides, from: 0, to: 100, received: 5_000, records: 100 }]);
  });

  it('keeps the ranges that it is given', () => {
    const [one, other] = [new UnreadableRanges(), new UnreadableRanges()];
    one.note({ ...rides, from: 10, to: 15, received: 2_000 });
    one.note({ ...rides, partition: 2, from: 3, to: 4, received: 3_000 });
    other.addAll(one.list());
    expect(other.list()).toEqual(one.list());
    other.clear();
    expect(other.count).toBe(0);
  });

  it('loses no record, and reports none later, when it joins ranges to stay small', () => {
    const unreadable = new UnreadableRanges();
    const notes = Array.from({ length: 1_000 }, (_, n) => ({
      topic: 'rides',
      partition: n % 7,
      from: n * 10,
      to: n * 10 + 1 + (n % 3),
      received: n * 10_000,
    }));
    for (const note of notes) unreadable.note(note);
    expect(unreadable.list().length).toBeLessThanOrEqual(256);
    const expected = (at: number) =>
      notes.reduce((sum, { from, to, received }) => (received <= at ? sum + to - from : sum), 0);
    for (const at of [0, 1_234_567, 5_000_000, 9_989_999]) {
      expect(countUntil(unreadable, at)).toBeGreaterThanOrEqual(expected(at));
    }
    expect(countUntil(unreadable, 9_990_000)).toBe(expected(9_990_000));
  });

  it('stays small with more partitions than ranges', () => {
    const unreadable = new UnreadableRanges();
    for (let partition = 0; partition < 1_000; partition += 1) {
      unreadable.note({ topic: 'rides', partition, from: 0, to: 1, received: partition * 5_000 });
    }
    expect(unreadable.list().length).toBeLessThanOrEqual(256);
    expect(unreadable.count).toBe(1_000);
  });
});
