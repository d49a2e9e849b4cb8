import { performance } from 'node:perf_hooks';
import {
  createBatchConsumer,
  LogError,
  type BatchConsumer,
  type BatchContext,
  type ConsumerOptions,
  type OffsetPolicy,
  type RecordBatch,
} from '@hailstream/log';
import type { INestApplication } from '@nestjs/common';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import { waitForLog } from './wait-for-log.js';

/** Maximum wait for an unreachable log at start; after it, {@link LogTransport.listen} fails. */
const START_TIMEOUT_MS = 10 * 60_000;

export interface LogTransportOptions extends Omit<ConsumerOptions, 'handler' | 'topics' | 'offsets'> {
  /**
   * Where reading starts. A function is called when the transport starts to listen, and again by
   * {@link LogTransport.restart}; `null` means that nothing is to be read, because the app is closing.
   */
  readonly offsets: OffsetPolicy | (() => Promise<OffsetPolicy | null>);
  /** Called with each consumer before it starts: to listen to its assignments, to read its lag. */
  readonly onConsumer?: (consumer: BatchConsumer) => void;
  /** Called when the consumer has stopped for good. @default logs the reason, and exits the process with code 1 */
  readonly onCrash?: (reason: Error) => void;
}

/**
 * Nest transport for the log: each `@EventPattern(topic)` handler receives the batches of its topic, as
 * `@Payload() batch: RecordBatch` and `@Ctx() context: BatchContext`. See `BatchHandler` for what happens to a batch
 * whose handler throws.
 */
export class LogTransport extends Server implements CustomTransportStrategy {
  /** The consumer handles and reports failures; Nest need not log them. */
  override readonly propagatesEventHandlerErrors = true;
  private consumer: BatchConsumer | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly options: LogTransportOptions) {
    super();
  }

  /** Consumes the topics that have handlers; calls back once partitions are assigned. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.startWhenReady();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Finishes the current batch, then stops. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.consumer?.[Symbol.asyncDispose]();
  }

  /**
   * Replaces the consumer by one that starts where {@link LogTransportOptions.offsets} says. `whileStopped` runs after
   * the old consumer has finished its last batch and before the position is resolved.
   *
   * @throws LogError if the log cannot be read within {@link START_TIMEOUT_MS}
   */
  async restart(whileStopped: () => void): Promise<void> {
    await this.consumer?.[Symbol.asyncDispose]();
    this.consumer = undefined;
    whileStopped();
    await this.startWhenReady();
  }

  on(): never {
    throw new Error('LogTransport emits no events: use the option onConsumer');
  }

  /** The consumer; `undefined` until {@link listen} has called back. */
  unwrap<T = BatchConsumer | undefined>(): T {
    return this.consumer as T;
  }

  private async startWhenReady(): Promise<void> {
    const { signal } = this.closing;
    const { offsets } = this.options;
    const policy = typeof offsets === 'function' ? await offsets() : offsets;
    if (policy === null) return;
    const deadline = performance.now() + START_TIMEOUT_MS;
    await waitForLog(() => this.start(policy), {
      signal,
      onFailure: (error, retryMs) => {
        const isInTime = performance.now() + retryMs < deadline;
        if (!(error instanceof LogError) || !error.retryable || !isInTime) throw error;
        this.options.logger.warn({ err: error, retryMs }, 'log not readable, will retry');
      },
    });
  }

  private async start(offsets: OffsetPolicy): Promise<void> {
    const { onConsumer, onCrash: _, ...options } = this.options;
    const topics = [...this.getHandlers().keys()];
    if (topics.length === 0)
      throw new Error('LogTransport: expected an @EventPattern(topic) handler, found none');
    const consumer = createBatchConsumer({
      ...options,
      offsets,
      topics,
      handler: (batch, context) => this.handle(batch, context),
    });
    this.consumer = consumer;
    onConsumer?.(consumer);
    try {
      await consumer.start();
    } catch (error) {
      await consumer[Symbol.asyncDispose]().catch(() => undefined);
      throw error;
    }
    consumer.ended.catch((reason: unknown) => this.crash(reason));
  }

  private async handle(batch: RecordBatch, context: BatchContext): Promise<void> {
    const handler = this.getHandlers().get(batch.topic);
    if (handler === undefined) throw new Error(`no handler for topic ${batch.topic}`);
    const result: unknown = await handler(batch, context);
    if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined });
  }

  private crash(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    if (this.options.onCrash) {
      this.options.onCrash(error);
      return;
    }
    this.options.logger.fatal({ err: error }, 'consumer failed, exiting');
    process.exit(1);
  }
}

/**
 * Connects the handlers of an app to the log. They receive batches once `startAllMicroservices()` is called. The filters
 * of the app apply to them: `ProblemFilter` passes what a handler throws to the consumer.
 */
export function connectLog(app: INestApplication, transport: LogTransport): void {
  app.connectMicroservice({ strategy: transport }, { inheritAppConfig: true });
}
