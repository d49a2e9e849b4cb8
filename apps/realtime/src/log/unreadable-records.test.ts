import { describe, expect, it } from 'vitest';
import { UnreadableRecords } from './unreadable-records.js';

const rides = { topic: 'rides', partition: 1 };

describe('UnreadableRecords', () => {
  it('counts missing offsets, batches and records', () => {
    const unreadable = new UnreadableRecords();
    expect(unreadable.count).toBe(0);
    unreadable.addGap({ ...rides, expected: 10n, found: 15n });
    unreadable.addBatch({ ...rides, baseOffset: 20n, lastOffset: 20n });
    unreadable.addRecord(rides, 30n);
    expect(unreadable.count).toBe(7);
  });

  it('counts offsets once that are read again', () => {
    const unreadable = new UnreadableRecords();
    for (const partition of [1, 1, 2]) {
      unreadable.addBatch({ topic: 'rides', partition, baseOffset: 20n, lastOffset: 29n });
    }
    for (const offset of [40n, 41n, 40n]) unreadable.addRecord(rides, offset);
    expect(unreadable.count).toBe(22);
  });

  it('counts those that are not known otherwise', () => {
    const unreadable = new UnreadableRecords();
    unreadable.addBatch({ ...rides, baseOffset: 20n, lastOffset: 29n });
    unreadable.addRecord(rides, 40n);
    const known = { ...rides, from: 10, to: 30 };
    expect(unreadable.countOutside([known])).toBe(1);
    expect(unreadable.countOutside([{ ...known, from: 21 }])).toBe(11);
    expect(unreadable.countOutside([{ ...known, partition: 2 }])).toBe(11);
  });

  it('counts further records when it has the maximum number of ranges', () => {
    const unreadable = new UnreadableRecords();
    for (let offset = 0n; offset < 70_000n; offset += 1n) unreadable.addRecord(rides, offset);
    expect(unreadable.count).toBe(70_000);
  });

  it('adds those of another count that overlap a range of the same partition', () => {
    const all = new UnreadableRecords();
    all.addGap({ ...rides, expected: 10n, found: 15n });
    all.addGap({ ...rides, expected: 30n, found: 31n });
    const some = new UnreadableRecords();
    some.addFrom(all, { ...rides, from: 0, to: 10 });
    some.addFrom(all, { ...rides, from: 15, to: 30 });
    some.addFrom(all, { ...rides, partition: 2, from: 0, to: 40 });
    expect(some.count).toBe(0);
    some.addFrom(all, { ...rides, from: 14, to: 20 });
    some.addFrom(all, { ...rides, from: 0, to: 11 });
    expect(some.count).toBe(5);
  });
});
