import {
  createAdmin,
  createProducer,
  type Admin,
  type LogConnection,
  type Producer,
  type ProducerOptions,
  type TopicPolicy,
  type TopicSettings,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import {
  Inject,
  Module,
  Optional,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { LOGGER } from '../logging/logging.tokens.js';
import { LogTopics } from './log-topics.service.js';
import { ADMIN, PRODUCER, TOPICS } from './log.tokens.js';

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
  readonly producer?: Omit<ProducerOptions, 'connection' | 'logger'>;
}

/** Connects an app to the log: `@Inject(ADMIN)`, `@Inject(PRODUCER)` and {@link LogTopics}. Global. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Optional() @Inject(PRODUCER) private readonly producer?: Producer,
  ) {}

  static forRoot({ connection, topicPolicy, topics, producer }: LogModuleOptions): DynamicModule {
    const providers: Provider[] = [
      {
        provide: ADMIN,
        inject: [LOGGER],
        useFactory: (logger: Logger) =>
          createAdmin({ connection, topicPolicy, logger: logger.child({ component: 'admin' }) }),
      },
    ];
    if (topics !== undefined) providers.push({ provide: TOPICS, useValue: topics }, LogTopics);
    if (producer !== undefined) {
      providers.push({
        provide: PRODUCER,
        inject: [LOGGER],
        useFactory: (logger: Logger) =>
          createProducer({ connection, ...producer, logger: logger.child({ component: 'producer' }) }),
      });
    }
    return { module: LogModule, global: true, providers, exports: providers };
  }

  /** The last hook of closing: all requests are answered, so every record has its delivery result. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.producer?.[Symbol.asyncDispose](), this.admin[Symbol.asyncDispose]()]);
  }
}
