import { describe, expect, it } from 'vitest';
import { proveFetch } from './fetch/fetch.js';

const ROUNDS = 11;
const TIMEOUT_MS = 600_000;

describe('a reader with random limits', () => {
  it(
    'receives every offset once and in order, except transaction markers, aborted and compacted records',
    async () => {
      const { raw, kafkajs, consumer } = await proveFetch({ rounds: ROUNDS, seed: 1 });
      expect(raw).toBeGreaterThan(ROUNDS);
      expect(kafkajs).toBeGreaterThan(0);
      expect(consumer).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
