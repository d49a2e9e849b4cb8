import { inspect, parseArgs } from 'node:util';

const PROGRESS_EVERY_MS = 5000;

interface Run {
  readonly count: number;
  readonly seed: number;
  /** The other numbers of the proof. */
  readonly numbers: Readonly<Record<string, number>>;
  /** The files that the command line names. */
  readonly files: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (done: number) => void;
}

/** A test of random choices, which can run for any time. */
export interface Proof {
  readonly counts: 'rounds' | 'frames' | 'records';
  readonly byDefault: number;
  /** Other numbers that the command line may set, with their defaults. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** Options that name a file. */
  readonly files?: readonly string[];
  readonly run: (run: Run) => Promise<object>;
}

/**
 * Runs the proof that the command line names: `NAME [--rounds N] [--seed N]`, and the other numbers and files of the proof.
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
    options: optionsOf(proofs),
  });
  const [name = ''] = positionals;
  const proof = proofs[name];
  if (proof === undefined || positionals.length !== 1) {
    process.stderr.write(usage(proofs));
    return 2;
  }
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const count = Number(values[proof.counts] ?? proof.byDefault);
  const numbers = Object.fromEntries(
    Object.entries(proof.numbers ?? {}).map(([option, byDefault]) => [
      option,
      Number(values[option] ?? byDefault),
    ]),
  );
  const files = Object.fromEntries((proof.files ?? []).map((option) => [option, values[option]]));
  const chosen = Object.entries({ [proof.counts]: count, ...numbers, ...files, seed }).filter(
    ([, value]) => value !== undefined,
  );
  const again = [`prove ${name}`, ...chosen.map(([option, value]) => `--${option} ${value}`)].join(' ');
  process.stderr.write(`${again}\n`);
  try {
    const report = await proof.run({
      count,
      seed,
      numbers,
      files,
      onProgress: progressOf(`${name}: ${proof.counts}`, count),
    });
    process.stdout.write(`${name}: passed, ${count} ${proof.counts}, seed ${seed}: ${inspect(report)}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${inspect(error)}\nagain: ${again}\n`);
    return 1;
  }
}

function optionsOf(proofs: Readonly<Record<string, Proof>>): Record<string, { type: 'string' }> {
  const names = Object.values(proofs).flatMap(({ counts, numbers = {}, files = [] }) => [
    counts,
    ...Object.keys(numbers),
    ...files,
  ]);
  return Object.fromEntries([...names, 'seed'].map((name) => [name, { type: 'string' }]));
}

function usage(proofs: Readonly<Record<string, Proof>>): string {
  const lines = Object.entries(proofs).map(([name, { counts, numbers = {}, files = [] }]) =>
    [
      `prove ${name}`,
      ...[counts, ...Object.keys(numbers), 'seed'].map((option) => `[--${option} N]`),
      ...files.map((option) => `[--${option} FILE]`),
    ].join(' '),
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
