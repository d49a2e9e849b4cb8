import type { Admin, LogConnection } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import type { SinkCredentials } from '../sinks/credentials.js';
import type { Encode } from '@hailstream/parquet';
import type { DeliveryCounts } from '../sinks/delivery.js';
import { Job, type JobListener } from '../jobs/job.js';
import { LogEnds, untilDelivered } from '../jobs/log-ends.js';
import { groupOf, openDelivery } from '../jobs/open-delivery.js';
import { Erasures } from '../erasures/erasures.js';
import { isJobOf, subscribedTopics, type JobSpec } from '../router-file/router-file.js';

/** Time without progress after which a failing job fails the run. */
const STALL_TIMEOUT_MS = 10 * 60_000;
/** Failures that a retry cannot resolve: the run ends immediately. */
const FATAL = new Set([
  'ACCESS_DENIED',
  'MISCONFIGURED',
  'CONFLICT',
  'ANOTHER_LOG',
  'INVALID_OBJECT',
  'CONSUMER_CRASHED',
]);
const WATCH_MS = 500;

export interface RunResult {
  /** The jobs that have delivered all records. */
  readonly jobs: Readonly<Record<string, DeliveryCounts>>;
  /** The reasons of failed jobs by name; not set if no job failed. */
  readonly failed?: Readonly<Record<string, string>>;
  readonly seconds: number;
}

interface DeliverAllOptions {
  readonly connection: LogConnection;
  readonly credentials: SinkCredentials;
  readonly jobs: readonly JobSpec[];
  readonly admin: Admin;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Encodes Parquet files. @default on the thread of the caller */
  readonly encode?: Encode;
  /** @default 10 minutes */
  readonly stallTimeoutMs?: number;
}

/**
 * Delivers all records that the log has at the time of the call, all jobs concurrently. A job fails if a retry cannot resolve its failure, or
 * if it makes no progress for `stallTimeoutMs`; the others continue.
 */
export async function deliverAll(options: DeliverAllOptions): Promise<RunResult> {
  const startedAt = performance.now();
  const jobs: Record<string, DeliveryCounts> = {};
  const failed: Record<string, string> = {};
  await using erasures = new Erasures(options);
  await Promise.all(
    options.jobs.map(async (spec) => {
      try {
        jobs[spec.name] = await deliverJob(spec, { ...options, erasures });
      } catch (error) {
        failed[spec.name] = (error as Error).message;
      }
    }),
  );
  return {
    jobs,
    ...(Object.keys(failed).length > 0 && { failed }),
    seconds: (performance.now() - startedAt) / 1_000,
  };
}

async function deliverJob(
  spec: JobSpec,
  options: DeliverAllOptions & { readonly erasures: Erasures },
): Promise<DeliveryCounts> {
  const { connection, credentials, admin, logger, signal, encode, erasures } = options;
  await erasures.ready();
  const { stallTimeoutMs = STALL_TIMEOUT_MS } = options;
  const ends = await LogEnds.now(admin, isJobOf(spec, 's3') ? spec.topics : subscribedTopics(spec));
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const job = new Job(
    spec,
    (observer) =>
      openDelivery(spec, {
        connection,
        credentials,
        admin,
        logger,
        observer,
        erasures,
        ...(encode && { encode }),
        until: (partition) => ends.of(partition),
      }),
    silent,
    logger,
  );
  job.start();
  try {
    await Promise.race([
      untilDelivered(ends, { admin, groupId: groupOf(spec), patienceMs: stallTimeoutMs, signal: until }),
      failureOf(job, { stallTimeoutMs, signal: until }),
    ]);
    return job.status.counts;
  } finally {
    stop.abort();
    await job.stop();
  }
}

/** Rejects if the job cannot succeed. */
async function failureOf(
  job: Job,
  { stallTimeoutMs, signal }: { readonly stallTimeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let progressAt = performance.now();
  let records = 0;
  for (; !signal.aborted; await sleep(WATCH_MS, signal)) {
    const { counts, failure } = job.status;
    if (counts.records > records || failure === null) progressAt = performance.now();
    records = counts.records;
    if (failure === null) continue;
    const isStalled = performance.now() - progressAt > stallTimeoutMs;
    if (FATAL.has(failure.code) || isStalled) throw new Error(failure.reason);
  }
}

const silent: JobListener = { counted: () => undefined, failed: () => undefined, gap: () => undefined };
