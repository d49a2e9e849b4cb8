import { partitionName } from '@hailstream/log';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import type { InspectedPartition } from '../positions/inspect.js';
import type { PositionTools, Selection } from '../positions/position-tools.js';
import { describeIdentity } from '../positions/refusal.js';
import { parseResetTarget, RESET_TARGET_EXPECTED } from '../positions/reset-target.js';
import { isRefusal } from '../positions/verdict.js';
import { UsageError } from './usage.errors.js';

export const POSITIONS_USAGE = [
  'positions show [--topic TOPIC] [--json]',
  '    each position beside the log: exit code 1 if loads refuse one',
  'positions reset --topic TOPIC [--partition N] | --all [--to earliest|latest|OFFSET|TIME] [--yes] [--json]',
  '    moves positions (to the earliest record unless told otherwise) and binds them to the log as it is now',
  'positions adopt --topic TOPIC [--partition N] | --all [--force] [--yes] [--json]',
  '    keeps positions and binds them to the log as it is now, for a copy of the log; the next load compares the last',
  '    record before each position with the one that was loaded, unless --force is given',
];

const OPTIONS = {
  topic: { type: 'string' },
  all: { type: 'boolean' },
  partition: { type: 'string' },
  to: { type: 'string' },
  force: { type: 'boolean' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;
/** Which options each command takes. */
const TAKEN = {
  show: ['topic', 'json'],
  reset: ['topic', 'all', 'partition', 'to', 'yes', 'json'],
  adopt: ['topic', 'all', 'partition', 'force', 'yes', 'json'],
} as const satisfies Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>>;

export interface PositionsArgs {
  readonly command: keyof typeof TAKEN;
  readonly selected: Selection;
  readonly to: string;
  readonly isForced: boolean;
  readonly isConfirmed: boolean;
  readonly isJson: boolean;
}

/** @throws UsageError */
export function parsePositionsArgs(args: readonly string[], topics: readonly string[]): PositionsArgs {
  const [command = '', ...rest] = args;
  if (!isCommand(command)) throw new UsageError(`positions: expected show, reset or adopt, got "${command}"`);
  const values = parseOptions(rest);
  for (const name of Object.keys(values)) {
    if (!(TAKEN[command] as readonly string[]).includes(name)) {
      throw new UsageError(`positions ${command}: unknown option --${name}`);
    }
  }
  const { topic, partition, all = false, to = 'earliest' } = values;
  const names = topics.join(', ');
  if (topic === undefined && command !== 'show' && !all) {
    throw new UsageError(`--topic: expected one of ${names}; or --all`);
  }
  if (topic !== undefined && !topics.includes(topic)) {
    throw new UsageError(`--topic: expected one of ${names}, got "${topic}"`);
  }
  if (all && (topic !== undefined || partition !== undefined)) {
    throw new UsageError('--all: expected neither --topic nor --partition with it');
  }
  if (partition !== undefined && !/^\d{1,9}$/.test(partition)) {
    throw new UsageError(`--partition: expected a number, got "${partition}"`);
  }
  if (parseResetTarget(to) === undefined) {
    throw new UsageError(`--to: expected ${RESET_TARGET_EXPECTED}, got "${to}"`);
  }
  return {
    command,
    selected: {
      topics: topic === undefined ? topics : [topic],
      ...(partition !== undefined && { partition: Number(partition) }),
    },
    to,
    isForced: values.force ?? false,
    isConfirmed: values.yes ?? false,
    isJson: values.json ?? false,
  };
}

/** Runs `positions …` and returns the exit code. */
export async function runPositions(tools: PositionTools, args: PositionsArgs): Promise<number> {
  const { selected } = args;
  switch (args.command) {
    case 'show':
      return show(tools, args);
    case 'reset': {
      const planned = await tools.planReset(selected, parseResetTarget(args.to)!);
      const before = new Map(
        (await tools.show(selected)).map(
          (each) => [partitionName(each.topic, each.partition), each] as const,
        ),
      );
      const changes = planned.positions.map(({ topic, partition, to }) => {
        const from = before.get(partitionName(topic, partition))?.stored?.nextOffset;
        return `${topic}/${partition}: ${from ?? 'no position'} becomes ${to}`;
      });
      changes.push(
        ...planned.gone.map(({ topic, partition }) => `${topic}/${partition}: removed, not in the log`),
      );
      if (!(await isAgreed(changes, args))) return 1;
      await tools.reset(planned);
      break;
    }
    case 'adopt': {
      const planned = await tools.planAdopt(selected);
      const changes = planned.map(
        ({ topic, partition, stored, present }) =>
          `${topic}/${partition}: ${stored!.nextOffset} is kept, for ${describeIdentity(present)}`,
      );
      if (!(await isAgreed(changes, args))) return 1;
      await tools.adopt(planned, args);
      break;
    }
  }
  return show(tools, args);
}

async function show(tools: PositionTools, { selected, isJson }: PositionsArgs): Promise<number> {
  const inspected = await tools.show(selected);
  process.stdout.write(
    `${isJson ? JSON.stringify({ positions: inspected.map(printable) }) : table(inspected)}\n`,
  );
  return inspected.some(({ verdict }) => isRefusal(verdict)) ? 1 : 0;
}

/** Asks on a terminal; elsewhere nothing is changed without `--yes`. */
async function isAgreed(changes: readonly string[], { isConfirmed }: PositionsArgs): Promise<boolean> {
  if (isConfirmed) return true;
  process.stderr.write(changes.map((line) => `${line}\n`).join(''));
  if (!process.stdin.isTTY) {
    process.stderr.write('batch: nothing was changed: add --yes to change it\n');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Change these positions? [y/N] ');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function isCommand(command: string): command is keyof typeof TAKEN {
  return Object.hasOwn(TAKEN, command);
}

function parseOptions(
  args: readonly string[],
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'] {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Offsets stay below 2^53. */
function printable({
  topic,
  partition,
  stored,
  present,
  earliest,
  latest,
  verdict,
}: InspectedPartition): object {
  return {
    topic,
    partition,
    position: stored === undefined ? null : Number(stored.nextOffset),
    logStart: Number(earliest),
    logEnd: Number(latest),
    stored: stored?.identity ?? null,
    present: present ?? null,
    verdict,
    movedAt: stored?.movedAt?.toISOString() ?? null,
  };
}

function table(inspected: readonly InspectedPartition[]): string {
  const rows = inspected.map(({ topic, partition, stored, earliest, latest, verdict }) => [
    topic,
    String(partition),
    String(stored?.nextOffset ?? '-'),
    String(earliest),
    String(latest),
    verdict,
  ]);
  const lines = [['topic', 'partition', 'position', 'log start', 'log end', 'verdict'], ...rows];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
  return [...text, '', ...identities(inspected)].join('\n');
}

function identities(inspected: readonly InspectedPartition[]): string[] {
  const lines = inspected.map(({ topic, stored, present }) => {
    const bound = describeIdentity(stored?.identity);
    const now = describeIdentity(present);
    return bound === now ? `${topic}: ${now}` : `${topic}: positions of ${bound}; the log is ${now}`;
  });
  return [...new Set(lines)];
}
