import { describe, expect, it } from 'vitest';
import { proveFuzz } from './fuzz/fuzz.js';

const FRAMES = 2000;
const TIMEOUT_MS = 600_000;

describe('a broker that receives invalid requests', () => {
  it(
    'continues within its memory limit and serves other clients meanwhile',
    async () => {
      const { frames, steadyRecords } = await proveFuzz({ frames: FRAMES, seed: 1 });
      expect(frames).toBeGreaterThanOrEqual(FRAMES);
      expect(steadyRecords).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
