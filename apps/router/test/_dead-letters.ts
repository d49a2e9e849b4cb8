import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { deadLetterTopic, eventRegistry } from '@hailstream/events';
import {
  createAdmin,
  createDeadLetterQueue,
  createRangeReader,
  DeadLetterIndex,
  REDRIVE_HEADERS,
  type DeadLetter,
} from '@hailstream/log';
import { until, type Random } from '@hailstream/service/testing';
import { expect } from 'vitest';
import {
  deadLetterList,
  findDeadLetter,
  type DeadLetterDetail,
  type DeadLetterList,
} from '../src/dead-letters/list.js';
import { openDeadLetterIndex } from '../src/dead-letters/open-index.js';
import { redriveDeadLetters, type RedriveOptions, type RedriveResult } from '../src/dead-letters/redrive.js';
import { readCommitted } from './_kafkajs.js';
import { connectionTo, silent, TELEMETRY } from './_util.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const PARTITIONS = 12;
/** When the record of dead letter 0 was received; those of the others one millisecond after another. */
export const FIRST_RECEIVED_MS = Date.now() - 60_000;

interface Broker {
  readonly address: string;
}

/** A dead letter of record `index` of telemetry, in partition `index` modulo {@link PARTITIONS}. */
export function letter(
  index: number,
  changes: Partial<Extract<DeadLetter, { kind: 'record' }>> = {},
): DeadLetter {
  return {
    kind: 'record',
    topic: TELEMETRY,
    partition: index % PARTITIONS,
    record: {
      offset: BigInt(index),
      key: Buffer.from(`vehicle-${index}`),
      value: Buffer.from(`{"number":${index}}`),
      headers: { trace: Buffer.from(`trace-${index}`) },
      timestampMs: FIRST_RECEIVED_MS + index,
    },
    groupId: 'router-search',
    attempts: 1,
    reason: new Error(`field [speed] of record ${index} cannot be parsed`),
    ...changes,
  };
}

export async function writeLetters(broker: Broker, letters: readonly DeadLetter[]): Promise<void> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await admin.ensureTopics(eventRegistry.topics);
  await using queue = createDeadLetterQueue({ connection, logger: silent, topic: deadLetterTopic.name });
  await queue.write(letters);
}

/** Redrives in this process. */
export async function redrive(broker: Broker, options: Partial<RedriveOptions> = {}): Promise<RedriveResult> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  return await redriveDeadLetters({
    connection,
    admin,
    logger: silent,
    selection: { kind: 'filter', filter: {} },
    isDryRun: false,
    signal: new AbortController().signal,
    ...options,
  });
}

export async function list(
  broker: Broker,
  filter: Parameters<typeof deadLetterList>[1]['filter'] = {},
): Promise<DeadLetterList> {
  return withIndex(broker, (index) => deadLetterList(index, { filter, limit: 1_000 }));
}

export async function show(broker: Broker, id: string): Promise<DeadLetterDetail> {
  return withIndex(broker, (index) => findDeadLetter(index, id));
}

async function withIndex<T>(broker: Broker, use: (index: DeadLetterIndex) => T | Promise<T>): Promise<T> {
  const connection = connectionTo(broker);
  await using admin = createAdmin({ connection, logger: silent });
  await using reader = createRangeReader({ connection, logger: silent });
  const index = openDeadLetterIndex({ admin, reader, logger: silent });
  await index.update();
  return await use(index);
}

/** How often each dead letter was redriven, by id, as kafkajs reads the committed records of telemetry. */
export async function redrivesById(broker: Broker): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { headers } of await readCommitted(broker, TELEMETRY)) {
    const id = headers?.[REDRIVE_HEADERS.id];
    if (id === undefined) continue;
    const text = String(id);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/**
 * Redrives all dead letters with processes that are killed or cancelled shortly after they have changed the log, until one
 * completes.
 *
 * @returns how many were stopped before their end
 */
export async function redriveWithKills(
  broker: Broker,
  { kills, random, maxDelayMs }: { kills: number; random: Random; maxDelayMs: number },
): Promise<number> {
  let killed = 0;
  for (let exitCode: number | null = null; exitCode !== 0;) {
    const before = await ends(broker);
    const command = new CommandProcess(broker, ['redrive', '--all', '--json']);
    await until(async () => command.hasExited || (await ends(broker)) !== before, { pollMs: 2 });
    if (killed < kills) {
      await delay(random.below(maxDelayMs));
      if (!command.hasExited) killed += 1;
      command.kill(killed % 3 === 0 ? 'SIGINT' : 'SIGKILL');
    }
    exitCode = await command.ended();
    if (exitCode === 1) expect(JSON.parse(command.stdout)).toMatchObject({ outcome: 'cancelled' });
  }
  return killed;
}

/** Offsets after the last record of all partitions of both topics. */
export async function ends(broker: Broker): Promise<string> {
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  const offsets = [await admin.offsets(TELEMETRY), await admin.offsets(deadLetterTopic.name)];
  return offsets.map((topic) => [...topic.values()].map(({ latest }) => latest).join()).join(' ');
}

/** The command in a process of its own. */
export class CommandProcess {
  stdout = '';
  stderr = '';
  private readonly child;
  private readonly closed: Promise<unknown>;

  constructor(broker: Broker, args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, 'dead-letters', ...args], {
      env: { KAFKA_BROKERS: broker.address, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout.on('data', (chunk) => (this.stdout += String(chunk)));
    this.child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    this.closed = once(this.child, 'close');
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  kill(signal: 'SIGKILL' | 'SIGINT'): void {
    this.child.kill(signal);
  }

  /** The exit code, once the process has ended; `null` if it was killed. */
  async ended(): Promise<number | null> {
    await this.closed;
    return this.child.exitCode;
  }
}
