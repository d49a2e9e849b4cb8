import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import {
  createBatchConsumer,
  LogError,
  type BatchConsumer,
  type BatchContext,
  type ConsumerOptions,
  type RecordBatch,
} from '@hailstream/log';
import { Catch, type ExceptionFilter, type INestApplication } from '@nestjs/common';
import { NestMicroservice, Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** Longest that a log which can't be reached at start is waited for; then the process dies, for who runs it to see. */
export const START_PATIENCE_MS = 10 * 60_000;

export interface LogTransportOptions extends Omit<ConsumerOptions, 'handler' | 'topics'> {
  /** Called with each consumer before it starts: to listen to its assignments, to ask for its lag. */
  readonly onConsumer?: (consumer: BatchConsumer) => void;
  /** Called when the consumer has ended for good. @default logs the reason, and ends the process with exit code 1 */
  readonly onCrash?: (reason: Error) => void;
}

/**
 * Nest's way to the log: each `@EventPattern(topic)` handler gets the batches of its topic, as
 * `@Payload() batch: RecordBatch` and `@Ctx() context: BatchContext`. A handler that throws has not handled its batch:
 * see `BatchHandler` for what happens then.
 */
export class LogTransport extends Server implements CustomTransportStrategy {
  /** The consumer does something about failures; Nest need not report them. */
  override readonly propagatesEventHandlerErrors = true;
  private consumer: BatchConsumer | undefined;
  private readonly closing = new AbortController();

  constructor(private options: LogTransportOptions) {
    super();
  }

  /** Reads the topics that have handlers; calls back once partitions are assigned. */
  async listen(callback: (error?: unknown) => void): Promise<void> {
    try {
      await this.startPatiently();
      callback();
    } catch (error) {
      callback(error);
    }
  }

  /** Drains: the batch in hand is finished. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.consumer?.[Symbol.asyncDispose]();
  }

  /**
   * Replaces the consumer by one that starts reading as `offsets` says. `whileStopped` runs after the old consumer has
   * finished its last batch and before the new one reads.
   *
   * @throws LogError if the log cannot be read within {@link START_PATIENCE_MS}
   */
  async readAgain(whileStopped: () => Promise<LogTransportOptions['offsets'] | null>): Promise<void> {
    await this.consumer?.[Symbol.asyncDispose]();
    this.consumer = undefined;
    const offsets = await whileStopped();
    if (offsets === null || this.closing.signal.aborted) return;
    this.options = { ...this.options, offsets };
    await this.startPatiently();
  }

  on(): never {
    throw new Error('LogTransport has no events: see onConsumer');
  }

  /** The consumer; before {@link listen} has called back there may be none. */
  unwrap<T = BatchConsumer | undefined>(): T {
    return this.consumer as T;
  }

  private async startPatiently(): Promise<void> {
    const { signal } = this.closing;
    const giveUpAt = performance.now() + START_PATIENCE_MS;
    for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
      try {
        await this.start();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const isInTime = performance.now() + retryMs < giveUpAt;
        const mayHeal = error instanceof LogError && error.retryable && isInTime;
        if (!mayHeal) throw error;
        this.options.logger.warn({ err: error, retryMs }, 'the log can not be read yet');
        await pause(retryMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
      }
    }
  }

  private async start(): Promise<void> {
    const { onConsumer, onCrash: _, ...options } = this.options;
    const topics = [...this.messageHandlers.keys()];
    if (topics.length === 0) throw new Error('LogTransport: no @EventPattern() handler names a topic');
    const consumer = createBatchConsumer({
      ...options,
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
    const handler = this.messageHandlers.get(batch.topic);
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
    this.options.logger.fatal({ err: error }, 'the consumer has ended for good; so does the process');
    process.exit(1);
  }
}

/** Gives an app's handlers their batches, once `startAllMicroservices()` is called. */
export function connectLog(app: INestApplication, transport: LogTransport): void {
  // Handlers are bound together with the filters that there are by then, and Nest would bind them right here: so we
  // bind them, and tell Nest that this is done.
  const microservice = app.connectMicroservice({ strategy: transport }, { deferInitialization: true });
  microservice.useGlobalFilters(new RethrowFilter());
  if (!(microservice instanceof NestMicroservice))
    throw new Error('Nest made something else than a microservice');
  microservice.registerListeners();
  microservice.setIsInitialized(true);
  microservice.setIsInitHookCalled(true);
}

/** Nest would answer a handler's error with its own: the consumer is to see, and to tell, the one that was thrown. */
@Catch()
class RethrowFilter implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
