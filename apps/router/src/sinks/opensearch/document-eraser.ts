import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import type { Erasures } from '../../erasures/erasures.js';
import { eraseDocuments } from './erase-documents.js';
import type { OpenSearchClient } from './opensearch-client.js';

const RETRY_BACKOFF = { firstMs: 500, maxMs: 30_000 };

interface DocumentEraserOptions {
  readonly client: OpenSearchClient;
  /** Of the indexes of the job. */
  readonly patterns: readonly string[];
  readonly erasures: Erasures;
  readonly logger: Logger;
}

/**
 * Removes the documents of erased ids. Each process does so after the writes that it had begun without knowing of the erasure; those
 * that begin later do not include the ids. A process that ends between its write and the removal leaves it to the one that is
 * assigned its partitions.
 */
export class DocumentEraser implements AsyncDisposable {
  private readonly writes = new Set<Promise<unknown>>();
  private readonly stop = new AbortController();
  private readonly failures: RateLimitedLogger;
  private readonly removeListener: () => void;
  private last: Promise<unknown> = Promise.resolve();
  private isDue = false;
  private running: Promise<void> | undefined;

  constructor(private readonly options: DocumentEraserOptions) {
    this.failures = new RateLimitedLogger(options.logger);
    this.removeListener = options.erasures.onAdded(() => this.eraseLater());
  }

  /** Observes a write whose records were selected by the erasures that are known now. */
  async afterWrite<T>(write: Promise<T>): Promise<T> {
    this.writes.add(write);
    try {
      return await write;
    } finally {
      this.writes.delete(write);
    }
  }

  /** Removes the documents of all erased ids. @throws SinkError if some may remain */
  erase(signal: AbortSignal): Promise<void> {
    const erased = this.last.then(async () => {
      const { client, patterns, erasures } = this.options;
      if (patterns.length === 0) return;
      const writes = [...this.writes];
      await Promise.allSettled(writes);
      await eraseDocuments({ client, patterns, erasures, signal });
    });
    this.last = erased.catch(() => undefined);
    return erased;
  }

  /** Does so in the background, and tries until it succeeds. */
  eraseLater(): void {
    if (this.options.erasures.isEmpty || this.stop.signal.aborted) return;
    this.isDue = true;
    this.running ??= this.eraseUntilDone().finally(() => (this.running = undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.removeListener();
    this.stop.abort();
    await this.running;
    this.failures.stop();
  }

  private async eraseUntilDone(): Promise<void> {
    const { signal } = this.stop;
    for (let failures = 0; this.isDue && !signal.aborted;) {
      this.isDue = false;
      try {
        await this.erase(new AbortController().signal);
        failures = 0;
      } catch (error) {
        this.isDue = true;
        this.failures.warn({ err: error }, 'documents of erased ids may remain, will retry');
        await sleep(withJitter(backoffMs(failures, RETRY_BACKOFF)), signal);
        failures += 1;
      }
    }
  }
}
