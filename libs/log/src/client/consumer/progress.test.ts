import { describe, expect, it } from 'vitest';
import { Progress } from './progress.js';

const [first, second] = [
  { topic: 'a', partition: 0 },
  { topic: 'a', partition: 1 },
];

describe('Progress', () => {
  it('counts what lies between what was handled and the end', () => {
    const progress = new Progress();
    progress.start(first, { offset: 5n, highWatermark: 10n });
    progress.start(second, { offset: 0n, highWatermark: 3n });
    expect(progress.lag([first, second])).toBe(8n);
    progress.reach(first, 8n);
    expect(progress.lag([first, second])).toBe(5n);
    expect(progress.lag([first])).toBe(2n);
  });

  it('is not behind where the end it knows of is older than what was handled', () => {
    const progress = new Progress();
    progress.start(first, { offset: 5n, highWatermark: 10n });
    progress.reach(first, 12n);
    progress.seeEnd(first, 11n);
    expect(progress.lag([first])).toBe(0n);
  });

  it('forgets the old end where reading starts anew', () => {
    const progress = new Progress();
    progress.start(first, { offset: 0n, highWatermark: 1_000n });
    progress.start(first, { offset: 0n, highWatermark: 2n });
    expect(progress.lag([first])).toBe(2n);
  });
});
