import { parseArgs } from 'node:util';
import { eventRegistry } from '@hailstream/events';
import { LogError, partitionName } from '@hailstream/log';
import { UsageError } from '@hailstream/service/command-line';
import { ConfigError, logEnv, readEnv, toLogConnection } from '@hailstream/service/config';
import { createLogger } from '@hailstream/service/logging';
import Type from 'typebox';
import { copyTopics, type CopyProgress } from '../copy/copy-topics.js';
import { CopyError, type CopiedPartition } from '../copy/partition-copy.js';
import { runCommand } from './run-command.js';

const USAGE = [
  'usage: npm run copy-topics -- --from HOST:PORT [--json]',
  'Copies the topics of the log at HOST:PORT to the log that KAFKA_BROKERS and the other KAFKA_ and LOG_ variables name.',
  'No other client may write to either log meanwhile. If the command is run again, it continues where it stopped.',
].join('\n');

/** How often progress is printed. */
const PROGRESS_EVERY_MS = 2_000;

/** `npm run copy-topics`: copies the topics of one log to another, and prints the offsets on both sides. */
await runCommand(USAGE, async ({ args, env }) => {
  const { from, json } = optionsFrom(args);
  if (!env['KAFKA_BROKERS'])
    throw new UsageError('KAFKA_BROKERS: expected the brokers to copy to, got nothing');
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  try {
    const to = toLogConnection(readEnv(Type.Object(logEnv), env), { clientId: 'copy-topics' });
    const copied = await copyTopics({
      from: { brokers: [from], clientId: 'copy-topics' },
      to,
      topics: eventRegistry.topics.map(({ name }) => name),
      logger: createLogger({ name: 'copy-topics', level: 'silent' }),
      signal: stop.signal,
      onProgress: showProgress(),
    });
    process.stdout.write(json ? `${JSON.stringify(copied.map(printable))}\n` : report(copied));
    return 0;
  } catch (error) {
    if (stop.signal.aborted) throw new UsageError('stopped: run the command again to continue');
    if (error instanceof ConfigError || error instanceof LogError || error instanceof CopyError)
      throw new UsageError(error.message);
    throw error;
  }
});

function optionsFrom(args: readonly string[]): { readonly from: string; readonly json: boolean } {
  let from: string | undefined;
  let json: boolean | undefined;
  try {
    const options = { from: { type: 'string' }, json: { type: 'boolean' } } as const;
    ({ from, json } = parseArgs({ args: [...args], options }).values);
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  }
  if (from === undefined || !/^.+:\d+$/.test(from)) {
    throw new UsageError(`--from: expected HOST:PORT of the log to copy, got ${JSON.stringify(from ?? '')}`);
  }
  return { from, json: json ?? false };
}

function showProgress(): (progress: CopyProgress) => void {
  let shownAt = performance.now();
  return ({ done, total }) => {
    if (performance.now() - shownAt < PROGRESS_EVERY_MS && done !== total) return;
    shownAt = performance.now();
    process.stderr.write(`copying: ${done} of ${total} records\n`);
  };
}

/** Offsets as numbers: they stay below 2^53. */
function printable({ topic, partition, source, target }: CopiedPartition): object {
  const numbers = ({ from, to }: CopiedPartition['source']) => ({ from: Number(from), to: Number(to) });
  return { topic, partition, source: numbers(source), target: numbers(target) };
}

function report(copied: readonly CopiedPartition[]): string {
  const lines = copied.map(({ topic, partition, source, target }) => {
    const place = partitionName(topic, partition).padEnd(28);
    return `${place} offsets ${source.from}..${source.to} copied to ${target.from}..${target.to}`;
  });
  const moved = copied.filter(({ source, target }) => source.from !== target.from);
  lines.push(
    '',
    ...(moved.length === 0
      ? ['All records have the same offsets as in the source log.']
      : positionsToMove(moved)),
    'The positions of batch refer to the source log. Bind them to this log before the next load:',
    'npm run batch -- positions adopt --all',
  );
  return `${lines.join('\n')}\n`;
}

function positionsToMove(moved: readonly CopiedPartition[]): string[] {
  return [
    'Offsets have changed. Before batch loads from the target log, update its positions in Postgres:',
    'BEGIN;',
    ...moved.map(({ topic, partition, source, target }) => {
      const where = `WHERE topic = '${topic}' AND partition = ${partition}`;
      return `UPDATE ride.log_positions SET next_offset = next_offset - ${source.from - target.from} ${where};`;
    }),
    'COMMIT;',
  ];
}
