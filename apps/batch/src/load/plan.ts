import { LogError, type Admin } from '@hailstream/log';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import { inspect, type InspectedPartition } from '../positions/inspect.js';
import type { Gap, LastingRefusal } from '../positions/position.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import { describeRefusals } from '../positions/refusal.js';
import { isRefusal } from '../positions/verdict.js';
import { LoadError } from './load.errors.js';
import type { LogPartition } from '../positions/log-partition.js';

/** Wait before an end below a position is checked again: a newly elected leader may report an older one. */
const END_CONFIRM_MS = 1_000;

interface PlanOptions {
  readonly admin: Admin;
  readonly positions: LogPositions;
  readonly topics: readonly string[];
  readonly logger: Logger;
}

interface Plan {
  readonly partitions: readonly LogPartition[];
  /** Offsets that positions passed because the log had deleted them. */
  readonly gaps: readonly Gap[];
}

/**
 * Determines the range to load in each partition: from the position to the current end of the log. Binds positions to the
 * log, and moves them over records that the log has deleted.
 *
 * @throws LoadError `POSITIONS_REFUSED` if continuing at a position would skip records
 * @throws LogError if a topic does not exist or no broker responds
 */
export async function plan(options: PlanOptions): Promise<Plan> {
  const inspected = await inspectConfirmed(options);
  const missing = new Set(
    inspected.filter(({ verdict }) => verdict === 'no-topic').map(({ topic }) => topic),
  );
  for (const topic of options.topics) if (!inspected.some((each) => each.topic === topic)) missing.add(topic);
  if (missing.size > 0) {
    throw new LogError('UNKNOWN_TOPIC', `the log has no topic ${[...missing].join(', ')}`, true);
  }
  await refuse(inspected, options);
  const known = new Set(inspected.filter(({ stored }) => stored !== undefined).map(({ topic }) => topic));
  await options.positions.begin(
    inspected
      .filter(({ verdict }) => verdict === 'new')
      .map((each) => ({ ...each, nextOffset: firstOffset(each, known), identity: each.present! })),
  );
  const partitions: LogPartition[] = [];
  const gaps: Gap[] = [];
  for (const each of inspected) {
    const from = each.stored?.nextOffset ?? firstOffset(each, known);
    if (each.verdict === 'unbound') await options.positions.bind(each.stored!, each.present!);
    if (from < each.earliest) gaps.push(...(await passDeleted(each, from, options)));
    partitions.push({
      topic: each.topic,
      partition: each.partition,
      identity: each.present!,
      from,
      target: each.stable,
      earliest: each.earliest,
      unchecked: from > each.earliest ? each.stored : undefined,
    });
  }
  return { partitions, gaps };
}

/** A position beyond the end is confirmed by a second look at the log. */
async function inspectConfirmed(options: PlanOptions): Promise<InspectedPartition[]> {
  const inspected = await inspect(options);
  if (!inspected.some(({ verdict }) => verdict === 'beyond-log-end')) return inspected;
  await sleep(END_CONFIRM_MS);
  return inspect(options);
}

async function refuse(inspected: readonly InspectedPartition[], { positions }: PlanOptions): Promise<void> {
  const refused = inspected.filter(({ verdict }) => isRefusal(verdict));
  if (refused.length === 0) return;
  for (const { stored, verdict } of refused) {
    // The log may grow beyond the position later and hide it. Identities remain different.
    if (verdict === 'beyond-log-end') await positions.refuse(stored!, verdict satisfies LastingRefusal);
  }
  throw new LoadError('POSITIONS_REFUSED', describeRefusals(refused));
}

/**
 * Returns the first offset to load of a partition without a position: the earliest one if the topic is loaded for the first
 * time, and 0 in a partition that was added later, so that deleted records count as lost.
 */
function firstOffset({ topic, earliest }: InspectedPartition, known: ReadonlySet<string>): bigint {
  return known.has(topic) ? 0n : earliest;
}

async function passDeleted(
  { topic, partition, earliest, present }: InspectedPartition,
  from: bigint,
  { positions, logger }: PlanOptions,
): Promise<Gap[]> {
  const gap: Gap = { topic, partition, from, to: earliest, cause: 'deleted' };
  const passed = await positions.passGap(gap, present!);
  if (passed === undefined) return [];
  logger.error(
    { topic, partition, fromOffset: from, toOffset: earliest, lost: earliest - from },
    'the log deleted records before they were loaded',
  );
  return [passed];
}
