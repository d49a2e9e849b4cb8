import { describe, expect, it } from 'vitest';
import { remaining } from './log-partition.js';

const partitions = [
  { topic: 'a', partition: 0, from: 10n, target: 20n },
  { topic: 'a', partition: 1, from: 5n, target: 5n },
  { topic: 'b', partition: 0, from: 0n, target: 7n },
];

describe('remaining', () => {
  it('counts from the start of the load for partitions without a position', () => {
    expect(remaining(partitions, new Map())).toBe(17n);
  });

  it('takes the progress of other processes into account, up to the targets', () => {
    const positions = new Map([
      ['a-0', 25n],
      ['a-1', 5n],
      ['b-0', 3n],
    ]);
    expect(remaining(partitions, positions)).toBe(4n);
  });
});
