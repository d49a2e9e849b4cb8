import fc from 'fast-check';
import { ErrorCode, ProtocolError } from '../../../src/protocol/error-codes.js';
import { Random } from '@hailstream/service/testing';
import { expectKept, expectNoLeftovers, expectProducersGoOn, require } from '../power/verdict.js';
import { anyCommand, Workload, type Command } from '../power/workload.js';
import { FailingDisk, type Fault } from './failing-disk.js';

const MAX_COMMANDS = 30;
/** More calls than one command makes. */
const MAX_CALLS = 60;

const ASKED = new Set<Command['kind']>(['append', 'commit', 'create', 'delete', 'grow']);

const anyFault: fc.Arbitrary<Fault> = fc.record({
  after: fc.nat({ max: MAX_CALLS }),
  calls: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: MAX_CALLS })),
  code: fc.constantFrom('ENOSPC' as const, 'EIO' as const),
});

const commands = fc.array(anyCommand, { minLength: 1, maxLength: MAX_COMMANDS, size: 'max' });

interface FaultsOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/**
 * Lets disk calls fail during random workloads.
 * @throws Error if a guarantee is broken, with the shortest failing case
 */
export async function proveFaults({ rounds, seed, onRound }: FaultsOptions): Promise<{ failures: number }> {
  let round = 0;
  let failures = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        before: commands,
        during: commands.map((all) => all.filter(({ kind }) => kind !== 'restart')),
        after: commands,
        fault: anyFault,
        end: fc.constantFrom('stop' as const, 'kill' as const),
        order: fc.nat(),
      }),
      async (each) => {
        failures += await failAndCheck(each);
        onRound?.(++round);
      },
    ),
    { numRuns: rounds, seed },
  );
  return { failures };
}

async function failAndCheck(each: {
  before: readonly Command[];
  during: readonly Command[];
  after: readonly Command[];
  fault: Fault;
  end: 'stop' | 'kill';
  order: number;
}): Promise<number> {
  const disk = new FailingDisk(new Random(each.order));
  const workload = await Workload.begin(disk);
  for (const command of each.before) await workload.run(command);
  disk.failWith(each.fault);
  for (const command of each.during) {
    await workload.run(command).catch((error: unknown) => expectRefusal(command, error));
  }
  disk.heal();
  await expectAllKept(workload, disk);
  // As the broker does periodically.
  await workload.run({ kind: 'checkpoint' });
  // No left-over state may block the next commands.
  await workload.touchAll();
  for (const command of each.after) await workload.run(command);
  await expectAllKept(workload, disk);
  await workload.run({ kind: 'restart', how: each.end });
  const served = await expectAllKept(workload, disk);
  expectNoLeftovers(disk, workload.system);
  await expectProducersGoOn(served, { moment: disk.moment, now: workload.now() });
  await workload.system.end('stop');
  require(disk.openFiles === 0, `${disk.openFiles} files were not closed`);
  return disk.failures;
}

function expectAllKept({ history, system, allIsSafe }: Workload, disk: FailingDisk) {
  // A process that fails or is killed keeps everything that the operating system has accepted.
  allIsSafe();
  return expectKept(history, system, disk.moment);
}

/** Requests of clients are refused with a protocol error. */
function expectRefusal({ kind }: Command, error: unknown): void {
  const isRefusal = error instanceof ProtocolError && error.code === ErrorCode.KAFKA_STORAGE_ERROR;
  const isOfBackground = typeof (error as NodeJS.ErrnoException).syscall === 'string';
  if (!isRefusal && (ASKED.has(kind) || !isOfBackground)) throw error;
}
