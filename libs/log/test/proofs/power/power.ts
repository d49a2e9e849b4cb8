import fc from 'fast-check';
import { Disk } from './disk.js';
import { Random } from '@hailstream/service/testing';
import { System } from './system.js';
import { expectKept, expectNoLeftovers, expectProducersGoOn, require, type Served } from './verdict.js';
import { anyCommand, Workload } from './workload.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

const MAX_COMMANDS = 80;
const CUTS_PER_ROUND = 20;

/** The moment of a power failure, as a share of all operations, and the seed that decides what is lost. */
const anyCut = fc.record({
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  seed: fc.nat(),
  /** A second power failure while the broker starts. */
  again: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 3 }),
});

interface PowerOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/**
 * Simulates power failures at random moments of random workloads.
 * @throws Error if a guarantee is broken, with the shortest failing case
 */
export async function provePower({ rounds, seed, onRound }: PowerOptions): Promise<{ cuts: number }> {
  let round = 0;
  let cuts = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyCommand, { minLength: 1, maxLength: MAX_COMMANDS, size: 'max' }),
      fc.array(anyCut, { minLength: 1, maxLength: CUTS_PER_ROUND, size: 'max' }),
      fc.nat(),
      async (commands, chosen, order) => {
        const disk = new Disk(new Random(order));
        const workload = await Workload.begin(disk);
        for (const command of commands) await workload.run(command);
        for (const cut of chosen) {
          await cutAndCheck(disk, workload, cut);
          cuts++;
        }
        await workload.system.end('kill');
        onRound?.(++round);
      },
    ),
    { numRuns: rounds, seed },
  );
  return { cuts };
}

async function cutAndCheck(
  disk: Disk,
  workload: Workload,
  { share, seed, again }: { share: number; seed: number; again: number | null },
): Promise<void> {
  const { history, now } = workload;
  const random = new Random(seed);
  const moment = Math.round(share * disk.moment);
  let left = disk.cutAt(moment, random);
  let system = await System.open(left, now);
  if (again !== null) {
    await system.end('kill');
    left = left.cutAt(Math.round(again * left.moment), random);
    system = await System.open(left, now);
  }
  const served = await expectKept(history, system, moment);
  expectNoLeftovers(left, system);
  await expectProducersGoOn(served, { moment, now: now() });
  for (const { log } of served) await log.flush();
  await system.end('kill');
  // Everything that survived the first power failure, and everything written since, survives the next one.
  const last = left.cutAt(left.moment, random);
  system = await System.open(last, now);
  await expectStillThere(served, system);
  await system.end('stop');
  require(last.openFiles === 0, `${last.openFiles} files were not closed`);
}

async function expectStillThere(before: readonly Served[], system: System): Promise<void> {
  for (const { topic, index, log } of before) {
    const { highWatermark } = system.store.partition(topic.name, index);
    const where = partitionName(topic.name, index);
    require(highWatermark ===
      log.highWatermark, `${where} ends at ${highWatermark}, not ${log.highWatermark}`);
  }
}
