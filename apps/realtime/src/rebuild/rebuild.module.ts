import { LogModule } from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { REBUILD_MS, RebuildService } from './rebuild.service.js';

/** Rebuilds the city at start and after the log was replaced. */
@Module({})
export class RebuildModule {
  static forRoot({ connection, topicPolicy, rebuildMs }: RealtimeConfig['log']): DynamicModule {
    return {
      module: RebuildModule,
      global: true,
      // Topics and readiness are those of RebuildService: a rebuilt city is served while the log is unreachable.
      imports: [LogModule.forRoot({ connection, topicPolicy, rangeReader: {}, producer: {} })],
      providers: [
        { provide: REBUILD_MS, useValue: rebuildMs },
        { provide: LOG_CONNECTION, useValue: connection },
        RebuildService,
      ],
      exports: [RebuildService, LOG_CONNECTION],
    };
  }
}
