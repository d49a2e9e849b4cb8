import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createAdmin, type Admin } from '@hailstream/log';
import { removeMembers } from '@hailstream/log/testing';
import { until, type Random } from '@hailstream/service/testing';
import { connectionTo, silent } from '../../_util.js';
import { RouterProcess } from '../router-process.js';

const POLL_MS = 50;
/** Longest time until a job has delivered the records before the next kill. */
const PROGRESS_TIMEOUT_MS = 60 * 60_000;
const MIN_OUTAGE_MS = 2_000;
const MAX_OUTAGE_MS = 8_000;

/** A sink that can be stopped and started again with its data. */
export interface StoppableSink {
  stop(): Promise<void>;
  restart(): Promise<void>;
}

interface DisturbedJobOptions {
  readonly broker: { readonly address: string };
  /** A job of the router file, in JSON. */
  readonly job: { readonly name: string; readonly topics: readonly string[] };
  readonly sink: StoppableSink;
  readonly records: number;
  readonly kills: number;
  readonly random: Random;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onProgress: (job: string, delivered: number) => void;
  /** Aborted once another job has failed. */
  readonly signal: AbortSignal;
}

/** The result of a disturbed job. */
interface DisturbedJobReport {
  readonly kills: number;
  readonly downSeconds: number;
  readonly seconds: number;
}

/**
 * Delivers everything with one job, in a process that is killed at random positions, while its sink is stopped once.
 *
 * @throws Error if a process ends for another reason; the reason of the signal
 */
export async function deliverDisturbed(options: DisturbedJobOptions): Promise<DisturbedJobReport> {
  const { broker, job, sink, records, kills, random, folder, env, onProgress, signal } = options;
  const startedAt = performance.now();
  const groupId = `router-${job.name}`;
  const configFile = path.join(folder, `${job.name}.yaml`);
  await fs.writeFile(configFile, JSON.stringify({ jobs: [job] }));
  await using admin = createAdmin({ connection: connectionTo(broker), logger: silent });
  const reach = async (position: number, process: RouterProcess) => {
    await until(
      async () => {
        const delivered = await positionOf(admin, groupId, job.topics);
        onProgress(job.name, delivered);
        return signal.aborted || process.hasExited || delivered >= position;
      },
      { timeoutMs: PROGRESS_TIMEOUT_MS, pollMs: POLL_MS, what: `${job.name} delivers ${position} records` },
    );
    signal.throwIfAborted();
  };
  const positions = Array.from({ length: kills }, () => random.below(records)).toSorted((a, b) => a - b);
  const outageAt = random.below(kills + 1);
  const outageMs = MIN_OUTAGE_MS + random.below(MAX_OUTAGE_MS - MIN_OUTAGE_MS);
  let downMs = 0;
  for (let life = 0; life <= kills; life += 1) {
    await using process = new RouterProcess('serve', { brokers: broker.address, configFile, env });
    if (life === outageAt) {
      await reach(Math.floor(((positions[life - 1] ?? 0) + (positions[life] ?? records)) / 2), process);
      const stoppedAt = performance.now();
      await sink.stop();
      await delay(outageMs);
      await sink.restart();
      downMs = performance.now() - stoppedAt;
    }
    await reach(positions[life] ?? records, process);
    process.requireNoFailure();
    process.kill(life === kills ? 'SIGTERM' : 'SIGKILL');
    await process.exited;
    process.requireNoFailure();
    // The process is dead: the broker would wait for its session to expire.
    await until(() => removeMembers(broker, groupId).then(() => true));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return { kills, downSeconds: round(downMs / 1_000), seconds: round(seconds) };
}

/** How many offsets of the topics a group has committed. */
async function positionOf(admin: Admin, groupId: string, topics: readonly string[]): Promise<number> {
  const committed = await Promise.all(topics.map((topic) => admin.committed(groupId, topic)));
  return committed
    .flatMap((offsets) => [...offsets.values()])
    .reduce((sum, offset) => sum + Number(offset), 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
