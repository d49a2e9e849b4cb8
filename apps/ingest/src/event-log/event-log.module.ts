import type { TopicSpec } from '@hailstream/events';
import { createAdmin, createProducer, type Admin, type Producer } from '@hailstream/log';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { IngestConfig } from '../config.js';
import { ADMIN, PRODUCER, TOPIC_SPECS } from './event-log.tokens.js';
import { Topics } from './topics.service.js';

/** The log that everything is appended to. */
@Module({})
export class EventLogModule implements OnApplicationShutdown {
  constructor(
    @Inject(PRODUCER) private readonly producer: Producer,
    @Inject(ADMIN) private readonly admin: Admin,
  ) {}

  static forRoot(
    { connection, topicPolicy, ...settings }: IngestConfig['log'],
    topics: readonly TopicSpec[],
  ): DynamicModule {
    return {
      module: EventLogModule,
      global: true,
      providers: [
        {
          provide: PRODUCER,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createProducer({ connection, ...settings, logger: logger.child({ component: 'producer' }) }),
        },
        {
          provide: ADMIN,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createAdmin({ connection, topicPolicy, logger: logger.child({ component: 'admin' }) }),
        },
        { provide: TOPIC_SPECS, useValue: topics },
        Topics,
      ],
      exports: [PRODUCER, Topics],
    };
  }

  /** The last step of closing: by then every request is answered, and so every record has its fate. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.producer[Symbol.asyncDispose](), this.admin[Symbol.asyncDispose]()]);
  }
}
