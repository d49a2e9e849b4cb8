import { describe, expect, it } from 'vitest';
import { SlowReaders } from './slow-readers.js';

const MIB = 1 << 20;

describe(SlowReaders, () => {
  it('finds connections that take nothing for five seconds while memory is scarce', () => {
    const slow = new SlowReaders(10 * MIB);
    const stuck = { unsentBytes: 8 * MIB, flushedBytes: 100 };
    const reading = { unsentBytes: 4 * MIB, flushedBytes: 0 };
    const idle = { unsentBytes: 0, flushedBytes: 0 };
    for (let second = 0; second < 5; second++) {
      reading.flushedBytes += 100_000;
      // A few bytes are no progress.
      stuck.flushedBytes += 10;
      expect(slow.find([stuck, reading, idle], second * 1_000)).toEqual([]);
    }
    reading.flushedBytes += 100_000;
    expect(slow.find([stuck, reading, idle], 5_000)).toEqual([stuck]);
  });

  it('closes nobody while there is memory', () => {
    const slow = new SlowReaders(10 * MIB);
    const stuck = { unsentBytes: 9 * MIB, flushedBytes: 0 };
    for (let second = 0; second < 100; second++) expect(slow.find([stuck], second * 1_000)).toEqual([]);
  });
});
