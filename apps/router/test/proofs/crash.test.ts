import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { proveCrash } from './crash/crash.js';

const ROUNDS = 20;
const TIMEOUT_MS = 600_000;
const app = fileURLToPath(new URL('../..', import.meta.url));

beforeAll(() => {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', app], { stdio: 'inherit' });
}, TIMEOUT_MS);

describe('routers that are killed at random moments, with an object store that fails', () => {
  it(
    'leave the objects of an undisturbed run',
    async () => {
      const { kills, faults, objects, records, inParts, parquet, growing } = await proveCrash({
        rounds: ROUNDS,
        seed: 1,
      });
      expect(kills).toBeGreaterThan(ROUNDS / 2);
      expect(faults).toBeGreaterThan(0);
      expect(objects).toBeGreaterThan(ROUNDS);
      expect(inParts).toBeGreaterThan(0);
      expect(parquet).toBeGreaterThan(0);
      expect(growing).toBeGreaterThan(0);
      expect(records).toBeGreaterThan(ROUNDS);
    },
    TIMEOUT_MS,
  );
});
