import { describe, expect, it } from 'vitest';
import { proveFaults } from './faults/faults.js';

const ROUNDS = 80;
const TIMEOUT_MS = 600_000;

describe('a disk that fails', () => {
  it(
    'loses nothing that was answered, keeps nothing that was refused, and goes on once it works',
    async () => {
      const { failures } = await proveFaults({ rounds: ROUNDS, seed: 1 });
      expect(failures).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
