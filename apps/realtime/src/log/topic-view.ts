import {
  createBatchConsumer,
  type Admin,
  type BatchConsumer,
  type LogConnection,
  type LogRecord,
} from '@hailstream/log';
import { waitForLog } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { startUnlessAborted } from './start-consumer.js';

const RESTART_AFTER_MS = 1_000;

const POLL_MS = 50;

interface TopicViewOptions {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly topic: string;
  /** Makes sure that the topic exists. */
  readonly ensure: () => Promise<void>;
  /** Called for each record of the topic, those of a partition in order. The record is borrowed. */
  readonly onRecord: (record: LogRecord) => void;
  /** Called when the topic is read from its beginning again: it is another one, or reading has failed. */
  readonly onReset: () => void;
}

/** Reads a small topic from its beginning, and what is appended to it. Every process reads all of it. */
export class TopicView implements AsyncDisposable {
  private readonly stop = new AbortController();
  private readonly positions = new Map<number, bigint>();
  private running: Promise<void> = Promise.resolve();
  private reason: string | null = 'not read yet';
  private hasRead = false;

  constructor(private readonly options: TopicViewOptions) {}

  start(): void {
    this.running = this.run();
  }

  /** Why the topic is not read at the moment; `null` if it is. */
  get failure(): string | null {
    return this.reason;
  }

  /** Whether everything that the topic had when reading started was read. */
  get isCurrent(): boolean {
    return this.hasRead && this.reason === null;
  }

  /** Resolves to whether everything that the topic has now is read within a time. @throws LogError if the log does not respond */
  async readToEnd(timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const ends = await this.options.admin.offsets(this.options.topic);
    const deadline = performance.now() + timeoutMs;
    while (!signal.aborted) {
      if (this.reason === null && this.hasReached(ends)) return true;
      if (performance.now() >= deadline) return false;
      await sleep(POLL_MS, signal);
    }
    return false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      const consumer = await waitForLog(() => this.open(), {
        signal,
        onFailure: (error) => this.fail(error.message),
      });
      if (consumer === null) return;
      const stopped = new Promise<void>((done) =>
        signal.addEventListener('abort', () => done(), { once: true }),
      );
      try {
        await Promise.race([consumer.ended, stopped]);
      } catch (error) {
        this.fail(error instanceof Error ? error.message : String(error));
        await sleep(RESTART_AFTER_MS, signal);
      } finally {
        await consumer[Symbol.asyncDispose]();
      }
    }
  }

  private async open(): Promise<BatchConsumer> {
    const { connection, logger, topic, ensure, onRecord, admin } = this.options;
    await ensure();
    this.reset();
    const consumer = createBatchConsumer({
      connection,
      logger,
      groupId: `realtime-${topic}`,
      topics: [topic],
      offsets: { kind: 'everything-since', timestampMs: 0 },
      handler: async ({ partition, records, nextOffset }) => {
        for (const record of records) onRecord(record);
        this.positions.set(partition, nextOffset);
      },
      onPosition: ({ partition, nextOffset }) => void this.positions.set(partition, nextOffset),
      onGap: ({ cause }) => {
        if (cause === 'log-end') this.reset();
      },
      onRejected: ({ reason }) => logger.error({ err: reason, topic }, 'skipped a record'),
      onUndecodable: async ({ partition, lastOffset }) => {
        logger.error({ topic, partition }, 'skipped an undecodable batch');
        this.positions.set(partition, lastOffset + 1n);
      },
    });
    try {
      const ends = await admin.offsets(topic);
      await startUnlessAborted(consumer, this.stop.signal);
      void this.noteRead(consumer, ends);
      return consumer;
    } catch (error) {
      await consumer[Symbol.asyncDispose]().catch(() => undefined);
      throw error;
    }
  }

  private async noteRead(consumer: BatchConsumer, ends: ReadonlyMap<number, Ends>): Promise<void> {
    const { signal } = this.stop;
    let isEnded = false;
    const end = (): void => void (isEnded = true);
    consumer.ended.then(end, end);
    while (!signal.aborted && !isEnded && !this.hasReached(ends)) await sleep(POLL_MS, signal);
    if (signal.aborted || isEnded) return;
    if (this.reason !== null) this.options.logger.info({ topic: this.options.topic }, 'topic is read');
    this.reason = null;
    this.hasRead = true;
  }

  private hasReached(ends: ReadonlyMap<number, Ends>): boolean {
    return [...ends].every(
      ([partition, { earliest, latest }]) =>
        earliest === latest || (this.positions.get(partition) ?? -1n) >= latest,
    );
  }

  private reset(): void {
    this.positions.clear();
    this.options.onReset();
  }

  /** Logs a failure once, not at each attempt. */
  private fail(reason: string): void {
    if (this.reason === reason) return;
    this.reason = reason;
    this.options.logger.warn({ topic: this.options.topic, reason }, 'topic cannot be read, will retry');
  }
}

interface Ends {
  readonly earliest: bigint;
  readonly latest: bigint;
}
