import { runProof, type Proof } from '@hailstream/service/testing';
import { proveFeeds } from './feeds/feeds.js';

const PROOFS: Readonly<Record<string, Proof>> = {
  feeds: {
    counts: 'rounds',
    byDefault: 50,
    run: ({ count, seed, onProgress }) => proveFeeds({ rounds: count, seed, onRound: onProgress }),
  },
};

/** Runs the proof that the command line names, and returns the exit code. */
export function prove(args: string[]): Promise<number> {
  return runProof(PROOFS, args);
}
