import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinHeap } from './min-heap.js';

describe(MinHeap, () => {
  it('returns numbers in order of priority', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 })), (priorities) => {
        const heap = new MinHeap();
        for (const priority of priorities) heap.push(priority * 2, priority);
        const doubled = priorities.map((priority) => priority * 2);
        expect(priorities.map(() => heap.pop())).toEqual(doubled.toSorted((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});
