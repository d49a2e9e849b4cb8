import { describe, expect, it } from 'vitest';
import { proveFuzz } from './fuzz/fuzz.js';

const FRAMES = 2000;
const TIMEOUT_MS = 600_000;

describe('a broker that is sent what no client should send', () => {
  it(
    'goes on, within its memory, and serves others meanwhile',
    async () => {
      const { frames, steadyRecords } = await proveFuzz({ frames: FRAMES, seed: 1 });
      expect(frames).toBeGreaterThanOrEqual(FRAMES);
      expect(steadyRecords).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
