import { Worker } from 'node:worker_threads';
import { closeCodeOf, HistoryError } from '../history/history.errors.js';
import { QueryError } from '../query/query-parameters.js';
import type { AnyCalls, CallOf, ReplyOf } from './thread-calls.js';

interface PendingCall {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread that answers calls, in any order. It ends with the client, or with the first failure of the thread. */
export class ThreadClient<Calls extends AnyCalls<Calls>> implements AsyncDisposable {
  private readonly worker: Worker;
  private readonly calls = new Map<number, PendingCall>();
  private lastId = 0;
  private failure: HistoryError | null = null;

  /** @param file the compiled worker: a thread does not compile TypeScript */
  constructor(file: string, options: { readonly data: unknown; readonly maxHeapMb: number }) {
    this.worker = new Worker(file, {
      workerData: options.data,
      // Not the flags of the process: tests import sources, and the worker does not.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: options.maxHeapMb },
    });
    this.worker.on('message', (message: ReplyOf<Calls>) => this.receive(message));
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new HistoryError('FAILED', 'the worker thread has ended')));
  }

  /** Whether it no longer answers. */
  get hasFailed(): boolean {
    return this.failure !== null;
  }

  /** @throws HistoryError if the log cannot be read; QueryError if the request has to be another one */
  call<Name extends keyof Calls>(
    kind: Name,
    argument: Calls[Name]['argument'],
  ): Promise<Calls[Name]['result']> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject });
      this.worker.postMessage({ kind, id, argument } as CallOf<Calls>);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.fail(new HistoryError('CLOSED', 'the thread was closed'));
    await this.worker.terminate();
  }

  private receive(message: ReplyOf<Calls>): void {
    const call = this.calls.get(message.id);
    this.calls.delete(message.id);
    if (message.kind === 'done') {
      call?.resolve(message.result as never);
    } else {
      const { code, field, message: text } = message;
      call?.reject(field === null ? new HistoryError(code, text) : new QueryError(field, text));
    }
  }

  private fail(cause: Error): void {
    const code = closeCodeOf(cause);
    const text = code === 'LIMIT_EXCEEDED' ? 'the answer needs more memory than it may use' : cause.message;
    this.failure ??= cause instanceof HistoryError ? cause : new HistoryError(code, text, { cause });
    for (const { reject } of this.calls.values()) reject(this.failure);
    this.calls.clear();
  }
}
