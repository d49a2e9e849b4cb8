import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds, type Program } from '../../harness/processes.js';
import type { PlainAdmin } from '../../load/plain-client.js';

/** How often the position of the consumer group is looked up. */
const POLL_MS = 20;
const DELIVERED_WITHIN_MS = 10 * 60_000;

/** What one delivery of a topic cost. */
export interface DeliveryFigures {
  readonly recordsPerSecond: number;
  /** Processor time of the delivering process for a million records, in seconds. */
  readonly cpuSecondsPerMillion: number;
}

/** A topic and the consumer group that delivers it. */
interface GroupProgress {
  readonly admin: PlainAdmin;
  readonly topic: string;
  readonly groupId: string;
  /** Records of the topic. */
  readonly records: number;
}

/**
 * Measures a process that delivers a whole topic, from when its consumer group has its partitions until it has committed the
 * position after the last record. So neither the start of the process nor joining the group counts.
 */
export async function measureDelivery(program: Program, progress: GroupProgress): Promise<DeliveryFigures> {
  const failure = program.exited.then(() => Promise.reject(new Error(`ended early:\n${program.output()}`)));
  const watching = untilAssigned(progress).then(() => measureUntilCommitted(program.pid, progress));
  const figures = await Promise.race([watching, failure.catch((error: unknown) => settled(watching, error))]);
  await program.exited;
  return figures;
}

/** Waits until a consumer group has its partitions. */
export function untilAssigned({ admin, groupId }: Pick<GroupProgress, 'admin' | 'groupId'>): Promise<void> {
  return until(() => isAssigned(admin, groupId));
}

/** Measures a process from now until a group has committed the position after the last record. Records before that do not count. */
export async function measureUntilCommitted(
  pid: number,
  { admin, topic, groupId, records }: GroupProgress,
): Promise<DeliveryFigures> {
  const committedBefore = await committedRecords(admin, groupId, topic);
  const remaining = records - committedBefore;
  if (remaining < records / 2)
    throw new Error(`${groupId} has delivered ${committedBefore} records too early`);
  const startedAt = performance.now();
  const cpuBefore = await cpuSeconds(pid);
  let cpuAfter = cpuBefore;
  await until(async () => {
    // The process may end once it has committed, so its time is read before.
    cpuAfter = await cpuSeconds(pid).catch(() => cpuAfter);
    return (await committedRecords(admin, groupId, topic)) >= records;
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const perMillion = ((cpuAfter - cpuBefore) * 1e6) / remaining;
  return { recordsPerSecond: remaining / seconds, cpuSecondsPerMillion: perMillion };
}

/** The process may have ended because it was done: then the figures follow soon. */
async function settled(watching: Promise<DeliveryFigures>, error: unknown): Promise<DeliveryFigures> {
  return Promise.race([watching, delay(10 * POLL_MS).then(() => Promise.reject(error as Error))]);
}

async function isAssigned(admin: PlainAdmin, groupId: string): Promise<boolean> {
  const { groups } = await admin.describeGroups([groupId]);
  return groups.some(({ state, members }) => state === 'Stable' && members.length > 0);
}

/** The topic starts at offset 0, so positions count records. */
async function committedRecords(admin: PlainAdmin, groupId: string, topic: string): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const positions = found?.partitions.map(({ offset }) => Math.max(0, Number(offset))) ?? [];
  return positions.reduce((sum, position) => sum + position, 0);
}

/** Polls a condition. @throws Error if it is not met in time */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + DELIVERED_WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('not all records were delivered in time');
    await delay(POLL_MS);
  }
}
