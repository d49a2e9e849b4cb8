import { describe, expect, it } from 'vitest';
import { provePower } from './power/power.js';

const ROUNDS = 100;
const TIMEOUT_MS = 600_000;

describe('a power cut', () => {
  it(
    'takes nothing that was on disk, whenever it comes and whatever else it leaves',
    async () => {
      const { cuts } = await provePower({ rounds: ROUNDS, seed: 1 });
      expect(cuts).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
