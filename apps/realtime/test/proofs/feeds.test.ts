import { describe, expect, it } from 'vitest';
import { feedClasses } from './feeds/corpus.js';
import { proveFeeds } from './feeds/feeds.js';

const ROUNDS = 2;
const TIMEOUT_MS = 600_000;

describe('the diagnosis of feeds', () => {
  it(
    'names the fault of each feed within a minute, and accuses no healthy one',
    async () => {
      expect(feedClasses.length).toBeGreaterThanOrEqual(12);
      const { feeds } = await proveFeeds({ rounds: ROUNDS, seed: 1 });
      expect(feeds).toBe(ROUNDS * feedClasses.length);
    },
    TIMEOUT_MS,
  );
});
