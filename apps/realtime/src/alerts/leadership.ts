import { createBatchConsumer, type BatchConsumer, type LogConnection } from '@hailstream/log';
import { waitForLog } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { startUnlessAborted } from '../log/start-consumer.js';

const RESTART_AFTER_MS = 1_000;

/** A leader that stops responding is replaced after this long. */
const SESSION_TIMEOUT_MS = 10_000;

/**
 * Of several processes, the leader is the one to which the consumer group assigns partition 0 of a topic. The group reads
 * nothing: it commits no positions.
 */
export class Leadership implements AsyncDisposable {
  private readonly stop = new AbortController();
  private consumer: BatchConsumer | null = null;
  private running: Promise<void> = Promise.resolve();
  private reason: string | null = null;

  constructor(
    private readonly options: {
      readonly connection: LogConnection;
      readonly logger: Logger;
      readonly groupId: string;
      readonly topic: string;
      readonly ensure: () => Promise<void>;
    },
  ) {}

  start(): void {
    this.running = this.run();
  }

  get isLeader(): boolean {
    const { consumer } = this;
    return (
      consumer !== null && consumer.healthy && consumer.assignment().some(({ partition }) => partition === 0)
    );
  }

  /** Why this process cannot join the group; `null` if it has. */
  get failure(): string | null {
    return this.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      const consumer = await waitForLog(() => this.join(), {
        signal,
        onFailure: ({ message }) => {
          if (this.reason !== message)
            this.options.logger.warn({ reason: message }, 'cannot join the group, will retry');
          this.reason = message;
        },
      });
      if (consumer === null) return;
      this.consumer = consumer;
      this.reason = null;
      const stopped = new Promise<void>((done) =>
        signal.addEventListener('abort', () => done(), { once: true }),
      );
      try {
        await Promise.race([consumer.ended, stopped]);
      } catch (error) {
        this.options.logger.error({ err: error }, 'consumer of the group failed, will retry');
        await sleep(RESTART_AFTER_MS, signal);
      } finally {
        this.consumer = null;
        await consumer[Symbol.asyncDispose]();
      }
    }
  }

  private async join(): Promise<BatchConsumer> {
    const { connection, logger, groupId, topic, ensure } = this.options;
    await ensure();
    const consumer = createBatchConsumer({
      connection,
      logger,
      groupId,
      topics: [topic],
      offsets: { kind: 'committed', startAt: 'latest', commit: 'manual' },
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      handler: async () => undefined,
      onGap: () => undefined,
      onRejected: () => undefined,
      onUndecodable: async () => undefined,
    });
    try {
      await startUnlessAborted(consumer, this.stop.signal);
      return consumer;
    } catch (error) {
      await consumer[Symbol.asyncDispose]().catch(() => undefined);
      throw error;
    }
  }
}
