import { partitionName, type Admin, type RangeReader } from '@hailstream/log';
import { inspect, type InspectedPartition } from '../positions/inspect.js';
import type { LogPositions } from '../positions/positions.postgres.js';
import type { ResetTarget } from '../positions/reset-target.js';
import { isRefusal } from '../positions/verdict.js';
import { boundOffsets } from '../ranges/bound-offsets.js';
import { readLogStart } from '../ranges/log-start.js';
import { BackfillError } from './backfill.errors.js';

/** Records to load: of all partitions of a topic, or of one. */
export interface BackfillRange {
  readonly topic: string;
  readonly partition: number | undefined;
  readonly from: ResetTarget;
  /** Exclusive. */
  readonly to: ResetTarget;
}

/** Offsets of one partition that are read. */
export interface PlannedRange {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: string;
  readonly from: bigint;
  readonly to: bigint;
}

interface PlanOptions {
  readonly admin: Admin;
  readonly reader: RangeReader;
  readonly positions: LogPositions;
  readonly range: BackfillRange;
  readonly signal: AbortSignal;
}

/**
 * Determines the offsets to read. They end at the positions: later records are left to the loads.
 *
 * @throws BackfillError `RANGE` if the log does not have all of them
 */
export async function planBackfill(options: PlanOptions): Promise<PlannedRange[]> {
  const { admin, positions, range } = options;
  const { topic, partition } = range;
  const inspected = (await inspect({ admin, positions, topics: [topic] })).filter(
    (each) => each.isInLog && (partition ?? each.partition) === each.partition,
  );
  if (inspected.length === 0) {
    const what =
      partition === undefined ? `topic "${topic}"` : `partition ${partitionName(topic, partition)}`;
    throw new BackfillError('RANGE', `the log has no ${what}`);
  }
  requireOwnLog(inspected);
  await requireStart(options, inspected);
  const froms = await boundOffsets(admin, inspected, range.from);
  const tos = await boundOffsets(admin, inspected, range.to);
  requireEnd(range, inspected);
  return inspected.map((each) => {
    const position = each.stored?.nextOffset ?? each.earliest;
    const end = min(tos.get(each.partition)!, min(position, each.stable));
    const from = froms.get(each.partition)!;
    return {
      topic,
      partition: each.partition,
      topicId: each.present!.topicId,
      from: min(from, end),
      to: end,
    };
  });
}

function requireOwnLog(inspected: readonly InspectedPartition[]): void {
  const refused = inspected.filter(({ verdict }) => isRefusal(verdict));
  if (refused.length === 0) return;
  const names = refused.map(({ partition, verdict }) => `${partition} (${verdict})`).join(', ');
  throw new BackfillError(
    'RANGE',
    `topic "${refused[0]!.topic}": the positions of partitions ${names} do not belong to this log. See npm run batch -- positions show`,
  );
}

/** The first record of the range must not have been deleted. */
async function requireStart(
  { reader, range: { from }, signal }: PlanOptions,
  inspected: readonly InspectedPartition[],
): Promise<void> {
  for (const each of inspected) {
    const { earliest, stable } = each;
    const name = partitionName(each.topic, each.partition);
    if (from.kind === 'offset' && from.offset < earliest) {
      throw new BackfillError(
        'RANGE',
        `${name}: --from: expected an offset from ${earliest} to ${stable}, got ${from.offset}: the log has deleted the ` +
          'records before. To load what is left: --from earliest',
      );
    }
    if (from.kind !== 'time' || earliest === 0n) continue;
    const { firstMs } = await readLogStart(reader, each, signal);
    if (firstMs === undefined || firstMs <= from.timestampMs) continue;
    throw new BackfillError(
      'RANGE',
      `${name}: --from: the log has deleted records before offset ${earliest}, which was received at ` +
        `${new Date(firstMs).toISOString()}, after ${new Date(from.timestampMs).toISOString()}. To load what is left: --from earliest`,
    );
  }
}

function requireEnd({ from }: BackfillRange, inspected: readonly InspectedPartition[]): void {
  if (from.kind !== 'offset' || inspected.some(({ stable }) => from.offset <= stable)) return;
  const ends = inspected.map(({ partition, stable }) => `${partition}: ${stable}`).join(', ');
  throw new BackfillError(
    'RANGE',
    `topic "${inspected[0]!.topic}": --from: the log ends before offset ${from.offset} (ends by partition: ${ends})`,
  );
}

function min(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
