import { inspect, parseArgs } from 'node:util';
import { provePower } from './power.js';

const USAGE = `usage: prove power [--rounds N] [--seed N]`;
const PROGRESS_EVERY_MS = 2000;

/** Runs one proof as the command line says. @returns the exit code */
export async function prove(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { rounds: { type: 'string' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const rounds = Number(values.rounds ?? 1000);
  if (positionals[0] !== 'power') {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  let told = performance.now();
  const onRound = (round: number) => {
    if (performance.now() - told < PROGRESS_EVERY_MS) return;
    told = performance.now();
    process.stderr.write(`power: round ${round} of ${rounds}\n`);
  };
  try {
    const { cuts } = await provePower({ rounds, seed, onRound });
    process.stdout.write(`power: ${rounds} rounds, ${cuts} cuts, seed ${seed}: every promise kept\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`${inspect(error)}\n`);
    return 1;
  }
}
