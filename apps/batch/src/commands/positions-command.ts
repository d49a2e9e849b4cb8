import { partitionName } from '@hailstream/log';
import { parseOptions, UsageError } from '@hailstream/service/command-line';
import { createInterface } from 'node:readline/promises';
import type { InspectedPartition } from '../positions/inspect.js';
import type { PositionTools, Selection } from '../positions/position-tools.js';
import { describeIdentity } from '../positions/refusal.js';
import { parseResetTarget, RESET_TARGET_EXPECTED } from '../positions/reset-target.js';
import { isRefusal } from '../positions/verdict.js';
import { formatTable } from './text-table.js';

export const POSITIONS_USAGE = [
  'positions show [--topic TOPIC] [--json]',
  '    shows each position and the offsets of the log. Exit code 1 if loads refuse a position',
  'positions reset --topic TOPIC [--partition N] | --all [--to earliest|latest|OFFSET|TIME] [--yes] [--json]',
  '    moves positions (default: to the earliest record) and binds them to the current log',
  'positions adopt --topic TOPIC [--partition N] | --all [--force] [--yes] [--json]',
  '    keeps positions and binds them to the current log, which must be a copy of the previous one. The next load',
  '    compares the last record before each position with the one that was loaded, unless --force is set',
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
/** Options of each command. */
const ACCEPTED = {
  show: ['topic', 'json'],
  reset: ['topic', 'all', 'partition', 'to', 'yes', 'json'],
  adopt: ['topic', 'all', 'partition', 'force', 'yes', 'json'],
} as const satisfies Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>>;

interface PositionsArgs {
  readonly command: keyof typeof ACCEPTED;
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
  const values = parseOptions(rest, OPTIONS);
  for (const name of Object.keys(values)) {
    if (!(ACCEPTED[command] as readonly string[]).includes(name)) {
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
    throw new UsageError('--all: cannot be combined with --topic or --partition');
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
        return `${topic}/${partition}: ${from ?? 'no position'} -> ${to}`;
      });
      changes.push(
        ...planned.removed.map(
          ({ topic, partition }) => `${topic}/${partition}: position removed, the log has no such partition`,
        ),
      );
      if (!(await confirm(changes, args))) return 1;
      await tools.reset(planned);
      break;
    }
    case 'adopt': {
      const planned = await tools.planAdopt(selected);
      const changes = planned.map(
        ({ topic, partition, stored, present }) =>
          `${topic}/${partition}: ${stored!.nextOffset} kept, bound to ${describeIdentity(present)}`,
      );
      if (!(await confirm(changes, args))) return 1;
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

/** Asks for confirmation on a terminal. Without a terminal, `--yes` is required. */
async function confirm(changes: readonly string[], { isConfirmed }: PositionsArgs): Promise<boolean> {
  if (isConfirmed) return true;
  process.stderr.write(changes.map((line) => `${line}\n`).join(''));
  if (!process.stdin.isTTY) {
    process.stderr.write('batch: no changes were made: add --yes to confirm them\n');
    return false;
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('Change these positions? [y/N] ');
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function isCommand(command: string): command is keyof typeof ACCEPTED {
  return Object.hasOwn(ACCEPTED, command);
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
  const text = formatTable(['topic', 'partition', 'position', 'log start', 'log end', 'verdict'], rows);
  return [...text, '', ...identities(inspected)].join('\n');
}

function identities(inspected: readonly InspectedPartition[]): string[] {
  const lines = inspected.map(({ topic, stored, present }) => {
    const bound = describeIdentity(stored?.identity);
    const now = describeIdentity(present);
    return bound === now
      ? `${topic}: ${now}`
      : `${topic}: positions belong to ${bound}; the current log is ${now}`;
  });
  return [...new Set(lines)];
}
