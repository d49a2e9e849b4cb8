import { inspect, parseArgs } from 'node:util';

const PROGRESS_EVERY_MS = 5000;

interface Run {
  readonly count: number;
  readonly seed: number;
  readonly onProgress: (done: number) => void;
}

/** A test of random choices, which can run for any time. */
export interface Proof {
  readonly counts: 'rounds' | 'frames';
  readonly byDefault: number;
  readonly run: (run: Run) => Promise<object>;
}

/**
 * Runs the proof that the command line names: `NAME [--rounds N] [--frames N] [--seed N]`.
 *
 * @returns the exit code
 */
export async function runProof(
  proofs: Readonly<Record<string, Proof>>,
  args: readonly string[],
): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { rounds: { type: 'string' }, frames: { type: 'string' }, seed: { type: 'string' } },
  });
  const [name = ''] = positionals;
  const proof = proofs[name];
  if (proof === undefined || positionals.length !== 1) {
    process.stderr.write(usage(proofs));
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

function usage(proofs: Readonly<Record<string, Proof>>): string {
  const lines = Object.entries(proofs).map(
    ([name, { counts }]) => `prove ${name} [--${counts} N] [--seed N]`,
  );
  return `usage: ${lines.join('\n       ')}\n`;
}

function progressOf(what: string, count: number): (done: number) => void {
  let printedAt = performance.now();
  return (done) => {
    if (performance.now() - printedAt < PROGRESS_EVERY_MS) return;
    printedAt = performance.now();
    process.stderr.write(`${what} ${done} of ${count}\n`);
  };
}
