import { runProof, type Proof } from '@hailstream/service/testing';
import { proveCrash } from './crash/crash.js';
import { proveSinks } from './sinks/sinks.js';

const PROOFS: Readonly<Record<string, Proof>> = {
  crash: {
    counts: 'rounds',
    byDefault: 200,
    run: ({ count, seed, onProgress }) => proveCrash({ rounds: count, seed, onRound: onProgress }),
  },
  sinks: {
    counts: 'records',
    byDefault: 1_000_000,
    numbers: { kills: 10 },
    files: ['recording'],
    run: ({ count, seed, numbers, files, onProgress }) =>
      proveSinks({
        records: count,
        kills: numbers['kills']!,
        seed,
        recording: files['recording'],
        onRecords: onProgress,
      }),
  },
};

/** Runs the proof that the command line names, and returns the exit code. */
export function prove(args: string[]): Promise<number> {
  return runProof(PROOFS, args);
}
