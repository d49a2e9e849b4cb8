import { describe, expect, it } from 'vitest';
import { proveFaults } from './faults/faults.js';

const ROUNDS = 80;
const TIMEOUT_MS = 600_000;

describe('a failing disk', () => {
  it(
    'loses no acknowledged record, keeps no refused one, and continues after the disk has recovered',
    async () => {
      const { failures } = await proveFaults({ rounds: ROUNDS, seed: 1 });
      expect(failures).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
