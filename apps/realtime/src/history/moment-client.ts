import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { QueryError } from '../query/query-parameters.js';
import { closeCodeOf, HistoryError } from './history.errors.js';
import type {
  FoundEvents,
  FromWorker,
  ToWorker,
  WorkerCall,
  WorkerCalls,
  WorkerOptions,
} from './worker-protocol.js';

/** The compiled worker: a thread does not compile TypeScript. */
const workerFile = fileURLToPath(new URL('../../dist/worker/moment.worker.js', import.meta.url));

interface PendingCall {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** What a worker needs to answer. */
interface MomentHandlers {
  /** Finds the events that the moment has to read. */
  readonly find: (request: Extract<FromWorker, { kind: 'find' }>) => FoundEvents;
  readonly onProgress: (share: number) => void;
}

/** Size of the young generation of a worker's heap, so that it is seldom collected in a seek. */
const YOUNG_HEAP_MB = 96;

/** A worker thread with the city at one moment. It ends with the client. */
export class MomentClient implements AsyncDisposable {
  private readonly worker: Worker;
  private readonly calls = new Map<number, PendingCall>();
  private lastId = 0;
  private failure: HistoryError | null = null;
  private handlers: MomentHandlers | null = null;

  constructor(options: WorkerOptions, maxHeapMb: number) {
    this.worker = new Worker(workerFile, {
      workerData: options,
      // Not the flags of the process: tests import sources, and the worker does not.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: YOUNG_HEAP_MB },
    });
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new HistoryError('FAILED', 'the worker thread has ended')));
  }

  /** Whether the worker has ended. */
  get hasEnded(): boolean {
    return this.failure !== null;
  }

  /** Sets what the worker needs to answer. */
  use(handlers: MomentHandlers): void {
    this.handlers = handlers;
  }

  /** @throws HistoryError if the moment cannot be read; QueryError if a parameter is invalid */
  call<Name extends keyof WorkerCalls>(
    kind: Name,
    argument: WorkerCalls[Name]['argument'],
  ): Promise<WorkerCalls[Name]['result']> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      this.send({ kind, id, argument } as WorkerCall);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new HistoryError('CLOSED', 'the session was closed'));
    await this.worker.terminate();
  }

  private receive(message: FromWorker): void {
    switch (message.kind) {
      case 'find':
        if (this.handlers === null) return;
        this.send({ kind: 'found', ...this.handlers.find(message) });
        return;
      case 'progress':
        this.handlers?.onProgress(message.share);
        return;
      case 'done':
        this.take(message.id)?.resolve(message.result as never);
        return;
      case 'failed': {
        const { id, code, field, message: text } = message;
        this.take(id)?.reject(field === null ? new HistoryError(code, text) : new QueryError(field, text));
      }
    }
  }

  private take(id: number): PendingCall | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }

  private send(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private fail(cause: Error): void {
    const code = closeCodeOf(cause);
    const text =
      code === 'LIMIT_EXCEEDED'
        ? 'the city at this moment needs more memory than a session may use'
        : cause.message;
    this.failure ??= cause instanceof HistoryError ? cause : new HistoryError(code, text, { cause });
    for (const { reject } of this.calls.values()) reject(this.failure);
    this.calls.clear();
  }
}
