import { createRangeReader, type Admin, type LogConnection } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { groupOf } from '../jobs/open-delivery.js';
import { isJobOf, type JobSpec } from '../router-file/router-file.js';
import type { Verification } from '../sinks/s3/verify.js';
import { verifyS3Job } from '../sinks/s3/s3-delivery.js';

export interface VerifyResult {
  /** Whether nothing is missing, nothing is stored twice, and there are no problems. */
  readonly ok: boolean;
  readonly jobs: Readonly<Record<string, Verification>>;
}

interface VerifyAllOptions {
  readonly connection: LogConnection;
  readonly jobs: readonly JobSpec[];
  readonly admin: Admin;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Compares the objects of the jobs with object storage sinks with the log. Other jobs are omitted. */
export async function verifyAll(options: VerifyAllOptions): Promise<VerifyResult> {
  const { connection, logger, jobs } = options;
  await using reader = createRangeReader({ connection, logger });
  const results: [string, Verification][] = [];
  for (const spec of jobs) {
    if (!isJobOf(spec, 's3')) continue;
    results.push([spec.name, await verifyS3Job({ ...options, spec, reader, groupId: groupOf(spec) })]);
  }
  const ok = results.every(
    ([, { missing, overlapping, problems }]) => missing === 0 && overlapping === 0 && problems.length === 0,
  );
  return { ok, jobs: Object.fromEntries(results) };
}
