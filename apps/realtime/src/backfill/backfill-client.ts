import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { BackfillWorkerData, FromBackfill } from './backfill-task.js';

/** The compiled worker: a thread does not compile TypeScript. */
const workerFile = fileURLToPath(new URL('../../dist/worker/backfill.worker.js', import.meta.url));

/** The thread could not read the log or write the keyframes. */
export class BackfillError extends Error {
  override readonly name = 'BackfillError';

  constructor(
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Runs a task in a worker thread. Resolves once its keyframes reach the positions of the task, with the number of records that
 * could not be read.
 *
 * @throws BackfillError if it failed; the reason of the signal once it is aborted
 */
export async function runBackfill(
  data: BackfillWorkerData,
  options: {
    readonly maxHeapMb: number;
    readonly onProgress: (share: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  const { signal } = options;
  signal.throwIfAborted();
  const worker = new Worker(workerFile, {
    workerData: data,
    // Not the flags of the process: tests import sources, and the worker does not.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb },
  });
  let end: Exclude<FromBackfill, { kind: 'progress' }> | null = null;
  let failure: Error | null = null;
  worker.on('message', (message: FromBackfill) => {
    if (message.kind === 'progress') options.onProgress(message.share);
    else end = message;
  });
  worker.on('error', (error) => {
    failure = error;
  });
  // An error is followed by the exit.
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await exited;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return requireDone(end, failure);
}

function requireDone(end: Exclude<FromBackfill, { kind: 'progress' }> | null, failure: Error | null): number {
  if (end?.kind === 'done') return end.unreadable;
  if (end?.kind === 'failed') throw new BackfillError(end.code, end.message);
  const message = failure?.message ?? 'the worker thread has ended';
  throw new BackfillError('FAILED', message, { ...(failure !== null && { cause: failure }) });
}
