import { deadLetterTopic } from '@hailstream/events';
import {
  createAdmin,
  createDeadLetterQueue,
  createRangeReader,
  type Admin,
  type DeadLetterQueue,
  type LogConnection,
  type RangeReader,
  type TopicPolicy,
} from '@hailstream/log';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ADMIN, DEAD_LETTERS, RANGE_READER } from './log.tokens.js';

interface LogOptions {
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
}

/** Provides the clients of the log to the whole app. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
    @Inject(DEAD_LETTERS) private readonly deadLetters: DeadLetterQueue,
  ) {}

  static forRoot({ connection, topicPolicy }: LogOptions): DynamicModule {
    return {
      module: LogModule,
      global: true,
      providers: [
        {
          provide: ADMIN,
          inject: [LOGGER],
          useFactory: (logger: Logger) => createAdmin({ connection, topicPolicy, logger }),
        },
        {
          provide: DEAD_LETTERS,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createDeadLetterQueue({
              connection,
              topic: deadLetterTopic.name,
              logger: logger.child({ component: 'dead-letters' }),
            }),
        },
        {
          provide: RANGE_READER,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createRangeReader({ connection, logger: logger.child({ component: 'reader' }) }),
        },
      ],
      exports: [ADMIN, DEAD_LETTERS, RANGE_READER],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.deadLetters[Symbol.asyncDispose]();
    await this.reader[Symbol.asyncDispose]();
    await this.admin[Symbol.asyncDispose]();
  }
}
