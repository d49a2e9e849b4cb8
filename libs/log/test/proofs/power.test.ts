import { describe, expect, it } from 'vitest';
import { provePower } from './power.js';

describe('a power cut', () => {
  it('takes nothing that was on disk, whenever it comes and whatever else it leaves', async () => {
    const { cuts } = await provePower({ rounds: 100, seed: 1 });
    expect(cuts).toBeGreaterThan(100);
  });
});
