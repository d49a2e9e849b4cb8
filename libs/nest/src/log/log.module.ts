import {
  createAdmin,
  createDeadLetterQueue,
  createProducer,
  createRangeReader,
  type Admin,
  type DeadLetterQueue,
  type DeadLetterQueueOptions,
  type LogConnection,
  type Producer,
  type ProducerOptions,
  type RangeReader,
  type RangeReaderOptions,
  type TopicPolicy,
  type TopicSettings,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import {
  Inject,
  Module,
  Optional,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { LOGGER } from '../logging/logging.module.js';
import { LogTopics } from './log-topics.service.js';
import { ADMIN, DEAD_LETTER_QUEUE, PRODUCER, RANGE_READER, TOPICS } from './log.tokens.js';

/** Options of a client that the module does not set. */
type ClientOptions<Options> = Omit<Options, 'connection' | 'logger'>;

export interface LogModuleOptions {
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
  /**
   * Topics that are created or checked when the app starts, and the readiness checks `log` and `topics`.
   *
   * @default none: the app ensures its topics itself, and its readiness does not depend on the log
   */
  readonly topics?: readonly TopicSettings[];
  /** Settings of the producer. @default the app has no producer */
  readonly producer?: ClientOptions<ProducerOptions>;
  /** Settings of the range reader. @default the app has no range reader */
  readonly rangeReader?: ClientOptions<RangeReaderOptions>;
  /** The topic of the dead-letter queue. @default the app has no dead-letter queue */
  readonly deadLetterQueue?: ClientOptions<DeadLetterQueueOptions>;
}

/**
 * Connects an app to the log: `@Inject(ADMIN)` and, if its option is set, `@Inject(PRODUCER)`, `@Inject(RANGE_READER)`,
 * `@Inject(DEAD_LETTER_QUEUE)` and {@link LogTopics}. Global.
 */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Optional() @Inject(PRODUCER) private readonly producer?: Producer,
    @Optional() @Inject(RANGE_READER) private readonly rangeReader?: RangeReader,
    @Optional() @Inject(DEAD_LETTER_QUEUE) private readonly deadLetterQueue?: DeadLetterQueue,
  ) {}

  static forRoot(options: LogModuleOptions): DynamicModule {
    const { connection, topicPolicy, topics, producer, rangeReader, deadLetterQueue } = options;
    const providers: Provider[] = [
      client(ADMIN, 'admin', (logger) => createAdmin({ connection, topicPolicy, logger })),
    ];
    if (topics !== undefined) providers.push({ provide: TOPICS, useValue: topics }, LogTopics);
    if (producer !== undefined) {
      providers.push(
        client(PRODUCER, 'producer', (logger) => createProducer({ connection, ...producer, logger })),
      );
    }
    if (rangeReader !== undefined) {
      providers.push(
        client(RANGE_READER, 'reader', (logger) => createRangeReader({ connection, ...rangeReader, logger })),
      );
    }
    if (deadLetterQueue !== undefined) {
      providers.push(
        client(DEAD_LETTER_QUEUE, 'dead-letters', (logger) =>
          createDeadLetterQueue({ connection, ...deadLetterQueue, logger }),
        ),
      );
    }
    return { module: LogModule, global: true, providers, exports: providers };
  }

  /**
   * The last hook of closing: all requests are answered, so every record has its delivery result. Clients that write are
   * closed before those that read.
   */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([
      this.producer?.[Symbol.asyncDispose](),
      this.deadLetterQueue?.[Symbol.asyncDispose](),
    ]);
    await Promise.all([this.rangeReader?.[Symbol.asyncDispose](), this.admin[Symbol.asyncDispose]()]);
  }
}

/** A client of the log that logs as `component`. */
function client(
  provide: symbol,
  component: string,
  create: (logger: Logger) => AsyncDisposable,
): FactoryProvider {
  return {
    provide,
    inject: [LOGGER],
    useFactory: (logger: Logger) => create(logger.child({ component })),
  };
}
