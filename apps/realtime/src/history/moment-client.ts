import { fileURLToPath } from 'node:url';
import { ThreadClient } from '../threads/thread-client.js';
import type { FoundMessage, MomentMessage, WorkerCalls, WorkerOptions } from './worker-protocol.js';

const workerFile = fileURLToPath(new URL('../../dist/worker/moment.worker.js', import.meta.url));

/** Size of the young generation of a worker's heap, so that it is seldom collected in a seek. */
const YOUNG_HEAP_MB = 96;

/** A worker thread with the city at one moment. It asks for the events that it has to read, and reports progress. */
export type MomentClient = ThreadClient<WorkerCalls, MomentMessage, FoundMessage>;

export function startMomentClient(options: WorkerOptions, maxHeapMb: number): MomentClient {
  return new ThreadClient<WorkerCalls, MomentMessage, FoundMessage>({
    file: workerFile,
    data: options,
    maxHeapMb,
    youngHeapMb: YOUNG_HEAP_MB,
    reasons: {
      closed: 'the session was closed',
      outOfMemory: 'the city at this moment needs more memory than a session may use',
    },
  });
}
