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

/**
 * Measures a process that delivers a whole topic, from when its consumer group has its partitions until it has committed the
 * position after the last record. So neither the start of the process nor joining the group counts.
 */
export async function measureDelivery(
  program: Program,
  {
    admin,
    topic,
    groupId,
    records,
  }: {
    readonly admin: PlainAdmin;
    readonly topic: string;
    readonly groupId: string;
    readonly records: number;
  },
): Promise<DeliveryFigures> {
  const failure = program.exited.then(() => Promise.reject(new Error(`ended early:\n${program.output()}`)));
  const watch = async (): Promise<DeliveryFigures> => {
    await until(() => isAssigned(admin, groupId));
    const startedAt = performance.now();
    const cpuBefore = await cpuSeconds(program.pid);
    let cpuAfter = cpuBefore;
    await until(async () => {
      // The process may end once it has committed, so its time is read before.
      cpuAfter = await cpuSeconds(program.pid).catch(() => cpuAfter);
      return (await committedRecords(admin, groupId, topic)) >= records;
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    const perMillion = ((cpuAfter - cpuBefore) * 1e6) / records;
    return { recordsPerSecond: records / seconds, cpuSecondsPerMillion: perMillion };
  };
  const watching = watch();
  const figures = await Promise.race([watching, failure.catch((error: unknown) => settled(watching, error))]);
  await program.exited;
  return figures;
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

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + DELIVERED_WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error('not all records were delivered in time');
    await delay(POLL_MS);
  }
}
