import { createRangeReader, type RangeReader } from '@hailstream/log';
import { LOGGER, LogModule } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { RANGE_READER, REBUILD_MS } from './rebuild.tokens.js';
import { RebuildService } from './rebuild.service.js';

/** Rebuilds the city at start and after the log was replaced. */
@Module({})
export class RebuildModule implements OnApplicationShutdown {
  constructor(@Inject(RANGE_READER) private readonly reader: RangeReader) {}

  static forRoot({ connection, topicPolicy, rebuildMs }: RealtimeConfig['log']): DynamicModule {
    return {
      module: RebuildModule,
      global: true,
      // Topics and readiness are those of RebuildService: a rebuilt city is served while the log is unreachable.
      imports: [LogModule.forRoot({ connection, topicPolicy })],
      providers: [
        { provide: REBUILD_MS, useValue: rebuildMs },
        {
          provide: RANGE_READER,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createRangeReader({ connection, logger: logger.child({ component: 'rebuild' }) }),
        },
        RebuildService,
      ],
      exports: [RebuildService],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
  }
}
