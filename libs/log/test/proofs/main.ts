import { inspect, parseArgs } from 'node:util';
import { proveCrash } from './crash/crash.js';
import { proveFaults } from './faults/faults.js';
import { proveFetch } from './fetch/fetch.js';
import { proveFuzz } from './fuzz/fuzz.js';
import { provePower } from './power/power.js';

const USAGE = `usage: prove crash [--rounds N] [--seed N]
       prove faults [--rounds N] [--seed N]
       prove fetch [--rounds N] [--seed N]
       prove fuzz [--frames N] [--seed N]
       prove power [--rounds N] [--seed N]`;
const PROGRESS_EVERY_MS = 5000;

interface Run {
  readonly count: number;
  readonly seed: number;
  readonly onProgress: (done: number) => void;
}

interface Proof {
  readonly counts: 'rounds' | 'frames';
  readonly byDefault: number;
  readonly run: (run: Run) => Promise<object>;
}

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

/**
 * Runs the proof that the command line names.
 * @returns the exit code
 */
export async function prove(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { rounds: { type: 'string' }, frames: { type: 'string' }, seed: { type: 'string' } },
  });
  const [name = ''] = positionals;
  const proof = PROOFS[name];
  if (proof === undefined || positionals.length !== 1) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const count = Number(values[proof.counts] ?? proof.byDefault);
  const again = `prove ${name} --${proof.counts} ${count} --seed ${seed}`;
  process.stderr.write(`${again}\n`);
  try {
    const report = await proof.run({
      count,
      seed,
      onProgress: progressOf(`${name}: ${proof.counts}`, count),
    });
    process.stdout.write(`${name}: passed, ${count} ${proof.counts}, seed ${seed}: ${inspect(report)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${inspect(error)}\nagain: ${again}\n`);
    return 1;
  }
}

function progressOf(what: string, count: number): (done: number) => void {
  let printedAt = performance.now();
  return (done) => {
    if (performance.now() - printedAt < PROGRESS_EVERY_MS) return;
    printedAt = performance.now();
    process.stderr.write(`${what} ${done} of ${count}\n`);
  };
}
