import { runProof, type Proof } from '@hailstream/service/testing';
import { proveCrash } from './crash/crash.js';
import { proveFaults } from './faults/faults.js';
import { proveFetch } from './fetch/fetch.js';
import { proveFuzz } from './fuzz/fuzz.js';
import { provePower } from './power/power.js';

const PROOFS: Readonly<Record<string, Proof>> = {
  crash: {
    counts: 'rounds',
    byDefault: 1000,
    run: ({ count, seed, onProgress }) => proveCrash({ rounds: count, seed, onRound: onProgress }),
  },
  faults: {
    counts: 'rounds',
    byDefault: 1000,
    run: ({ count, seed, onProgress }) => proveFaults({ rounds: count, seed, onRound: onProgress }),
  },
  fetch: {
    counts: 'rounds',
    byDefault: 1000,
    run: ({ count, seed, onProgress }) => proveFetch({ rounds: count, seed, onRound: onProgress }),
  },
  fuzz: {
    counts: 'frames',
    byDefault: 1_000_000,
    run: ({ count, seed, onProgress }) => proveFuzz({ frames: count, seed, onFrames: onProgress }),
  },
  power: {
    counts: 'rounds',
    byDefault: 1000,
    run: ({ count, seed, onProgress }) => provePower({ rounds: count, seed, onRound: onProgress }),
  },
};

/** Runs the proof that the command line names, and returns the exit code. */
export function prove(args: string[]): Promise<number> {
  return runProof(PROOFS, args);
}
