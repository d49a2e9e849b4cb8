import { createAdmin, type Admin, type LogConnection, type TopicPolicy } from '@hailstream/log';
import { LOGGER, type Logger } from '@hailstream/nest';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ADMIN } from './log.tokens.js';

export interface LogOptions {
  readonly connection: LogConnection;
  readonly topicPolicy: TopicPolicy;
}

/** Provides the admin client of the log to the whole app. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(@Inject(ADMIN) private readonly admin: Admin) {}

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
      ],
      exports: [ADMIN],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.admin[Symbol.asyncDispose]();
  }
}
