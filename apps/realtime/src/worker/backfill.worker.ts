import { parentPort, workerData } from 'node:worker_threads';
import { createRangeReader } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { BackfillWorkerData, FromBackfill } from '../backfill/backfill-task.js';
import { Backfill } from '../backfill/backfill.js';

const PROGRESS_INTERVAL_MS = 500;

const { connection, logLevel, vehicles, task } = workerData as BackfillWorkerData;
const logger = createLogger({ name: 'realtime', level: logLevel }).child({ component: 'backfill' });
await using reader = createRangeReader({ connection, logger });
const post = (message: FromBackfill): void => parentPort?.postMessage(message);

let reportedAt = Number.NEGATIVE_INFINITY;
const backfill = new Backfill({
  task,
  reader,
  limits: vehicles,
  onProgress: (share) => {
    const now = performance.now();
    if (now - reportedAt < PROGRESS_INTERVAL_MS) return;
    reportedAt = now;
    post({ kind: 'progress', share });
  },
  onDamaged: (error, file) =>
    logger.error({ err: error, file }, 'keyframe cannot be read, using an older one'),
});
try {
  post({ kind: 'done', unreadable: await backfill.run() });
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'FAILED';
  post({ kind: 'failed', code, message: (error as Error).message });
}
