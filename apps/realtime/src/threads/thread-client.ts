import { Worker } from 'node:worker_threads';
import { closeCodeOf, HistoryError } from '../query/history.errors.js';
import { QueryError } from '../query/query-parameters.js';
import type { AnyCalls, CallOf, ReplyOf } from './thread-calls.js';

interface PendingCall {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

interface ThreadOptions {
  /** The compiled worker: a thread does not compile TypeScript. */
  readonly file: string;
  readonly data: unknown;
  readonly maxHeapMb: number;
  /**
   * Size of the young generation of its heap.
   *
   * @default V8's
   */
  readonly youngHeapMb?: number;
  /** The messages of errors if the client was disposed, and if the thread needs more than its heap. */
  readonly reasons: { readonly closed: string; readonly outOfMemory: string };
}

/**
 * A worker thread that answers calls, in any order. It ends with the client, or with the first failure of the thread.
 * `Received` and `Sent` are messages that are not calls or their answers.
 */
export class ThreadClient<
  Calls extends AnyCalls<Calls>,
  Received extends { readonly kind: string } = never,
  Sent = never,
> implements AsyncDisposable {
  private readonly worker: Worker;
  private readonly reasons: ThreadOptions['reasons'];
  private readonly calls = new Map<number, PendingCall>();
  private lastId = 0;
  private failure: HistoryError | null = null;
  private listener: ((message: Received) => void) | null = null;

  constructor({ file, data, maxHeapMb, youngHeapMb, reasons }: ThreadOptions) {
    this.reasons = reasons;
    this.worker = new Worker(file, {
      workerData: data,
      // Not the flags of the process: tests import sources, and the worker does not.
      execArgv: [],
      resourceLimits: {
        maxOldGenerationSizeMb: maxHeapMb,
        ...(youngHeapMb !== undefined && { maxYoungGenerationSizeMb: youngHeapMb }),
      },
    });
    this.worker.on('message', (message: { readonly kind: string }) => this.receive(message));
    this.worker.on('error', (error) => this.fail(error));
    this.worker.on('exit', () => this.fail(new HistoryError('FAILED', 'the worker thread has ended')));
  }

  /** Whether it no longer answers. */
  get hasEnded(): boolean {
    return this.failure !== null;
  }

  /** Sets what receives the messages that are not answers. Before, they are ignored. */
  listen(listener: (message: Received) => void): void {
    this.listener = listener;
  }

  send(message: Sent): void {
    this.worker.postMessage(message);
  }

  /** @throws HistoryError if the log or the moment cannot be read; QueryError if a parameter is invalid */
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
    this.fail(new HistoryError('CLOSED', this.reasons.closed));
    await this.worker.terminate();
  }

  private receive(message: { readonly kind: string }): void {
    if (message.kind === 'done' || message.kind === 'failed') this.settle(message as ReplyOf<Calls>);
    else this.listener?.(message as Received);
  }

  private settle(reply: ReplyOf<Calls>): void {
    const call = this.calls.get(reply.id);
    this.calls.delete(reply.id);
    if (reply.kind === 'done') {
      call?.resolve(reply.result as never);
    } else {
      const { code, field, message } = reply;
      call?.reject(field === null ? new HistoryError(code, message) : new QueryError(field, message));
    }
  }

  private fail(cause: Error): void {
    const code = closeCodeOf(cause);
    const text = code === 'LIMIT_EXCEEDED' ? this.reasons.outOfMemory : cause.message;
    this.failure ??= cause instanceof HistoryError ? cause : new HistoryError(code, text, { cause });
    for (const { reject } of this.calls.values()) reject(this.failure);
    this.calls.clear();
  }
}
