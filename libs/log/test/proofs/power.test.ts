import { describe, expect, it } from 'vitest';
import { provePower } from './power/power.js';

const ROUNDS = 100;
const TIMEOUT_MS = 600_000;

describe('a power failure', () => {
  it(
    'loses no synced record, at any moment and with any combination of unsynced data',
    async () => {
      const { cuts } = await provePower({ rounds: ROUNDS, seed: 1 });
      expect(cuts).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
