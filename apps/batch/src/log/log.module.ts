import {
  createAdmin,
  createRangeReader,
  type Admin,
  type LogConnection,
  type RangeReader,
  type TopicPolicy,
} from '@hailstream/log';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ADMIN, RANGE_READER } from './log.tokens.js';

export interface LogOptions {
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
}

/** Provides the clients of the log to the whole app. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(RANGE_READER) private readonly reader: RangeReader,
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
          provide: RANGE_READER,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createRangeReader({ connection, logger: logger.child({ component: 'reader' }) }),
        },
      ],
      exports: [ADMIN, RANGE_READER],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
    await this.admin[Symbol.asyncDispose]();
  }
}
