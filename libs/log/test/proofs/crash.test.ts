import { describe, expect, it } from 'vitest';
import { proveCrash } from './crash/crash.js';

const ROUNDS = 100;
const TIMEOUT_MS = 600_000;

describe('a broker that is killed at random moments', () => {
  it(
    'has every acknowledged record once and in order, and continues with it',
    async () => {
      const { kills, records, transactions, read } = await proveCrash({ rounds: ROUNDS, seed: 1 });
      expect(kills).toBeGreaterThanOrEqual(ROUNDS);
      expect(records).toBeGreaterThan(ROUNDS);
      expect(transactions).toBeGreaterThan(0);
      expect(read).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
