import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { buffersOf } from './columns/columns.js';
import type { Encode, EncodingRequest } from './parquet-file.js';

/** Each thread has a heap and a compressor of its own, about 20 MiB. */
const MAX_THREADS = 4;

/** What a thread replies to a request. */
export type EncodingReply =
  | { readonly kind: 'encoded'; readonly files: readonly Uint8Array<ArrayBuffer>[] }
  | { readonly kind: 'failed'; readonly error: Error };

/** A thread that encodes files ended unexpectedly. */
class EncodingThreadError extends Error {
  override readonly name = 'EncodingThreadError';
  readonly code = 'ENCODING_THREAD';
  readonly retryable = true;
}

interface PendingRequest {
  readonly request: EncodingRequest;
  resolve(files: readonly Uint8Array<ArrayBuffer>[]): void;
  reject(error: Error): void;
}

/**
 * Encodes files on other threads, which are started when they are needed: at most {@link MAX_THREADS}, and one less than the
 * processor can run at the same time. Buffers are moved to a thread and not copied. Requests wait while all threads are
 * busy; their number is bounded by the callers, which wait for the files.
 */
export class EncodingPool implements AsyncDisposable {
  private readonly waiting: PendingRequest[] = [];
  private readonly idle: EncodingThread[] = [];
  private readonly threads = new Set<EncodingThread>();
  private isDisposed = false;

  private readonly size: number;
  private readonly script: URL;

  /** @param options the largest number of threads, and the script that they run */
  constructor(options: { readonly size?: number; readonly script?: URL } = {}) {
    this.size = options.size ?? Math.min(MAX_THREADS, Math.max(1, availableParallelism() - 1));
    this.script = options.script ?? new URL('./encoding-thread.js', import.meta.url);
  }

  /** @throws EncodingThreadError if a thread ends before the files are encoded */
  readonly encode: Encode = (request) => {
    if (this.isDisposed) return Promise.reject(new EncodingThreadError('the threads have been stopped'));
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, resolve, reject });
      this.dispatch();
    });
  };

  /** Ends all threads. Requests that are not complete fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    const error = new EncodingThreadError('the threads have been stopped');
    for (const { reject } of this.waiting.splice(0)) reject(error);
    await Promise.all([...this.threads].map((thread) => thread.stop()));
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const thread = this.idle.pop() ?? this.start();
      if (thread === undefined) return;
      thread.run(this.waiting.shift()!);
    }
  }

  private start(): EncodingThread | undefined {
    if (this.threads.size === this.size) return undefined;
    const thread = new EncodingThread(this.script, {
      onIdle: () => {
        this.idle.push(thread);
        this.dispatch();
      },
      onEnd: () => {
        this.threads.delete(thread);
        const index = this.idle.indexOf(thread);
        if (index !== -1) this.idle.splice(index, 1);
        if (!this.isDisposed) this.dispatch();
      },
    });
    this.threads.add(thread);
    return thread;
  }
}

/** A thread, with the request that it works on. */
class EncodingThread {
  private readonly worker: Worker;
  private current: PendingRequest | undefined;

  constructor(script: URL, listener: { onIdle(): void; onEnd(): void }) {
    this.worker = new Worker(script);
    this.worker.on('message', (reply: EncodingReply) => {
      const finished = this.current;
      this.current = undefined;
      if (reply.kind === 'encoded') finished?.resolve(reply.files);
      else finished?.reject(reply.error);
      listener.onIdle();
    });
    this.worker.on('error', (error) => this.fail(error.message, error));
    this.worker.on('exit', (code) => {
      this.fail(`exit code ${code}`);
      listener.onEnd();
    });
  }

  run(pending: PendingRequest): void {
    this.current = pending;
    const { request } = pending;
    this.worker.postMessage(request, [
      ...buffersOf(request.columns),
      ...request.files.map(({ buffer }) => buffer as ArrayBuffer),
    ]);
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }

  private fail(reason: string, cause?: unknown): void {
    const error = new EncodingThreadError(`a thread that encodes files ended: ${reason}`, { cause });
    this.current?.reject(error);
    this.current = undefined;
  }
}
