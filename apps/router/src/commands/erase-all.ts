import type { Admin, LogConnection } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { Erasures } from '../erasures/erasures.js';
import { groupOf } from '../jobs/open-delivery.js';
import { isJobOf, type JobSpec } from '../router-file/router-file.js';
import type { ErasedObjects } from '../sinks/s3/erase-objects.js';
import { eraseS3Job } from '../sinks/s3/s3-delivery.js';

/** What was erased. */
export interface EraseResult {
  /** Riders and devices that the log names. */
  readonly ids: number;
  /** By name of the job. */
  readonly jobs: Readonly<Record<string, ErasedObjects>>;
  readonly dryRun: boolean;
}

interface EraseAllOptions {
  readonly connection: LogConnection;
  readonly jobs: readonly JobSpec[];
  readonly admin: Admin;
  readonly logger: Logger;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (job: string, objects: ErasedObjects) => void;
}

/** Applies the erasures of the log to the objects of the jobs with object storage sinks. Other jobs do so when they run. */
export async function eraseAll(options: EraseAllOptions): Promise<EraseResult> {
  const { jobs, onProgress, ...rest } = options;
  await using erasures = new Erasures(options);
  await erasures.ready();
  const results: [string, ErasedObjects][] = [];
  for (const spec of jobs) {
    if (!isJobOf(spec, 's3')) continue;
    const job = { spec, groupId: groupOf(spec), erasures };
    const erased = await eraseS3Job({
      ...rest,
      ...job,
      onProgress: (objects) => onProgress(spec.name, objects),
    });
    results.push([spec.name, erased]);
  }
  const ids = erasures.idsOf('rider').length + erasures.idsOf('device').length;
  return { ids, jobs: Object.fromEntries(results), dryRun: options.isDryRun };
}
