import { removeMembers } from '@hailstream/log/testing';
import { until, type Random } from '@hailstream/service/testing';
import type { S3Fault, S3Request, TestS3Server } from '../../_s3-server.js';
import { RouterProcess } from '../router-process.js';

/** A process that makes no requests for this time has delivered what it can. */
const IDLE_MS = 1_500;
/** Longest time until the first request of a process, on a busy machine. */
const START_TIMEOUT_MS = 60_000;
const MAX_KILL_DELAY_MS = 15;
const MAX_SLOW_MS = 60;
const MAX_FAULT_SHARE = 0.06;
const SECOND_PROCESS = 0.4;
const EXPIRY = 0.15;
const MAX_APPENDS = 6;

interface DisturbanceOptions {
  readonly random: Random;
  readonly broker: { readonly address: string };
  readonly groupId: string;
  readonly configFile: string;
  /**
   * Whether no other process joins. If a process that has lost a partition is killed while it uploads parts, nobody aborts
   * an upload that it began after the new owner had written the object.
   */
  readonly oneAtATime: boolean;
  /** Which commands the routers run. */
  readonly commands: readonly ('run' | 'serve')[];
  /** Appends to the log while it is delivered. */
  readonly grow?: () => Promise<void>;
  /** About how many requests the processes make. */
  readonly requests: number;
}

/**
 * Runs one or two routers until one is killed or has nothing to do, and then kills both. Meanwhile the object store fails,
 * a second process joins and leaves, and sessions expire.
 */
export async function disturb(
  s3: TestS3Server,
  { random, broker, groupId, configFile, oneAtATime, commands, grow, requests }: DisturbanceOptions,
): Promise<{ readonly kills: number; readonly faults: number }> {
  const processes: RouterProcess[] = [];
  let kills = 0;
  let failure: Error | undefined;
  const start = () => {
    const command = random.pick(commands);
    processes.push(new RouterProcess(command, { brokers: broker.address, configFile }));
  };
  const killAll = () => {
    for (const each of processes.filter(({ hasExited }) => !hasExited)) {
      each.kill('SIGKILL');
      kills += 1;
    }
  };
  const events = new Map<number, (() => void)[]>();
  const at = (request: number, event: () => void) =>
    events.set(request, [...(events.get(request) ?? []), event]);
  const killDelayMs = random.pick([0, random.below(MAX_KILL_DELAY_MS)]);
  at(random.below(requests), () => void (killDelayMs === 0 ? killAll() : setTimeout(killAll, killDelayMs)));
  if (!oneAtATime && random.chance(SECOND_PROCESS)) {
    at(random.below(requests), start);
    const signal = random.pick(['SIGTERM', 'SIGKILL'] as const);
    at(random.below(requests), () => processes.at(-1)!.kill(signal));
  }
  if (!oneAtATime && random.chance(EXPIRY)) {
    at(
      random.below(requests),
      () => void removeMembers(broker, groupId).catch((error: Error) => (failure = error)),
    );
  }
  let growth: Promise<unknown> = Promise.resolve();
  if (grow) {
    const append = () => (growth = growth.then(grow).catch((error: Error) => (failure = error)));
    const appends = 1 + random.below(MAX_APPENDS);
    for (let count = 0; count < appends; count += 1) at(random.below(requests), append);
  }
  const faults = new RandomFaults(random);
  let made = 0;
  let lastMs = performance.now() + START_TIMEOUT_MS;
  s3.fault = (request) => {
    for (const event of events.get(made) ?? []) event();
    made += 1;
    lastMs = performance.now();
    return faults.next(request);
  };
  try {
    start();
    await until(() => processes.every(({ hasExited }) => hasExited) || performance.now() - lastMs > IDLE_MS, {
      timeoutMs: 10 * START_TIMEOUT_MS,
      what: 'a router ends, is killed or has nothing to do',
    });
  } finally {
    killAll();
    await Promise.all(processes.map(({ exited }) => exited));
    await growth;
    s3.fault = () => undefined;
  }
  if (failure !== undefined) throw failure;
  for (const each of processes) each.requireNoFailure();
  return { kills, faults: faults.count };
}

/** Faults of an object store, in a random share of the requests. */
class RandomFaults {
  count = 0;
  private readonly share: number;

  constructor(private readonly random: Random) {
    this.share = random.pick([0, MAX_FAULT_SHARE, random.fraction() * MAX_FAULT_SHARE]);
  }

  next({ method }: S3Request): S3Fault | undefined {
    if (!this.random.chance(this.share)) return undefined;
    this.count += 1;
    const faults: S3Fault[] = [
      'reset-before',
      'reset-after',
      { status: 503, code: 'SlowDown' },
      { delayMs: this.random.below(MAX_SLOW_MS) },
    ];
    // Another process writes the same object at the same time.
    if (method === 'PUT')
      faults.push('stored-by-another', { status: 409, code: 'ConditionalRequestConflict' });
    return this.random.pick(faults);
  }
}
