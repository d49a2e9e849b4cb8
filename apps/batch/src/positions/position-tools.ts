import { partitionName, type Admin } from '@hailstream/log';
import { inspect, type InspectedPartition } from './inspect.js';
import type { LogPositions } from './positions.postgres.js';
import type { NewPosition, Place, PositionRepair } from './repair.postgres.js';
import type { ResetTarget } from './reset-target.js';

/** A change of positions that is not possible. */
class PositionsError extends Error {
  override readonly name = 'PositionsError';
  readonly code = 'POSITIONS';
}

/** Topics, or one partition of them. */
export interface Selection {
  readonly topics: readonly string[];
  readonly partition?: number;
}

/** Changes that have been planned but not applied. */
interface PlannedReset {
  readonly positions: readonly NewPosition[];
  /** Positions of partitions that are not in the log. */
  readonly removed: readonly Place[];
}

/** Compares positions with the log, and changes them. */
export class PositionTools {
  constructor(
    private readonly admin: Admin,
    private readonly positions: LogPositions,
    private readonly repair: PositionRepair,
    private readonly topics: readonly string[],
  ) {}

  async show(
    { topics, partition: selected }: Selection = { topics: this.topics },
  ): Promise<InspectedPartition[]> {
    const inspected = await inspect({ admin: this.admin, positions: this.positions, topics });
    return selected === undefined ? inspected : inspected.filter(({ partition }) => partition === selected);
  }

  /** @throws PositionsError if the log does not have the topic, partition or offset */
  async planReset(selected: Selection, target: ResetTarget): Promise<PlannedReset> {
    const inspected = await this.select(selected);
    const times = new Map<string, ReadonlyMap<number, bigint>>();
    if (target.kind === 'time') {
      for (const topic of selected.topics)
        times.set(topic, await this.admin.offsetsAt(topic, target.timestampMs));
    }
    return {
      positions: inspected
        .filter(({ isInLog }) => isInLog)
        .map((each) => ({
          topic: each.topic,
          partition: each.partition,
          to: offsetOf(each, target, times),
          identity: each.present!,
          earliest: each.earliest,
        })),
      removed: inspected.filter((each) => !each.isInLog),
    };
  }

  async reset({ positions, removed }: PlannedReset): Promise<void> {
    await this.repair.reset(positions, removed);
  }

  /** @throws PositionsError if a position is beyond the end of the log */
  async planAdopt(selected: Selection): Promise<InspectedPartition[]> {
    const inspected = (await this.select(selected)).filter(({ stored }) => stored !== undefined);
    for (const { topic, partition, stored, latest } of inspected) {
      if (stored!.nextOffset <= latest) continue;
      throw new PositionsError(
        `${partitionName(topic, partition)}: position ${stored!.nextOffset} is beyond the end of the log ` +
          `(${latest}) and cannot be kept: use positions reset`,
      );
    }
    return inspected;
  }

  async adopt(planned: readonly InspectedPartition[], { isForced }: { isForced: boolean }): Promise<void> {
    await this.repair.adopt(
      planned.map(({ topic, partition, present }) => ({ topic, partition, identity: present! })),
      { forgetRecords: isForced },
    );
  }

  private async select(selected: Selection): Promise<InspectedPartition[]> {
    const inspected = await this.show(selected);
    for (const topic of selected.topics) {
      if (inspected.some((each) => each.topic === topic && each.present !== undefined)) continue;
      throw new PositionsError(`the log has no topic "${topic}", or the topic has no such partition`);
    }
    return inspected;
  }
}

function offsetOf(
  { topic, partition, earliest, stable, latest }: InspectedPartition,
  target: ResetTarget,
  times: ReadonlyMap<string, ReadonlyMap<number, bigint>>,
): bigint {
  switch (target.kind) {
    case 'earliest':
      return earliest;
    case 'latest':
      return stable;
    case 'time':
      return times.get(topic)?.get(partition) ?? stable;
    case 'offset':
      if (target.offset >= earliest && target.offset <= latest) return target.offset;
      throw new PositionsError(
        `${partitionName(topic, partition)}: expected an offset from ${earliest} to ${latest}, got ${target.offset}`,
      );
  }
}
