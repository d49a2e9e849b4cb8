import { parseArgs } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';
import { firstSentence } from '../config.js';

const USAGE =
  'usage: past [--minutes N] [--vehicles N] [--seed TEXT] [--city FILE …] [--truth FILE] [--json]';
const MAX_MINUTES = 1_440;

export interface PastArgs {
  /** Length of the simulated time, which ends now. */
  readonly minutes: number;
  /** File for the rides as the simulation knows them. */
  readonly truthFile: string | undefined;
  readonly json: boolean;
  /** The arguments of the simulation. */
  readonly simulation: readonly string[];
}

/** @throws UsageError */
export function parsePastArgs(args: readonly string[]): PastArgs {
  const { minutes = '60', truth, json, ...simulation } = parse(args);
  if (!/^\d{1,4}$/.test(minutes) || Number(minutes) < 1 || Number(minutes) > MAX_MINUTES) {
    throw new UsageError(`--minutes: expected 1 to ${MAX_MINUTES}, got ${JSON.stringify(minutes)}; ${USAGE}`);
  }
  return {
    minutes: Number(minutes),
    truthFile: truth,
    json: json ?? false,
    simulation: Object.entries(simulation).flatMap(([name, values]) =>
      [values].flat().flatMap((value) => [`--${name}`, value]),
    ),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        truth: { type: 'string' },
        json: { type: 'boolean' },
        vehicles: { type: 'string' },
        seed: { type: 'string' },
        city: { type: 'string', multiple: true },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${firstSentence(error)}; ${USAGE}`, { cause: error });
  }
}
