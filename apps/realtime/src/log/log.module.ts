import { LogModule } from '@hailstream/nest';
import { Module, type DynamicModule } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { CityState } from '../fold/city-state.js';
import { FoldService } from './fold.service.js';
import { LogController } from './log.controller.js';
import { REBUILD_MS } from './log.tokens.js';
import { LogPositions } from './positions.js';
import { RebuildService } from './rebuild.service.js';

/** From the log to the city. */
@Module({})
export class CityLogModule {
  static forRoot({ connection, topicPolicy, rebuildMs }: RealtimeConfig['log']): DynamicModule {
    return {
      module: CityLogModule,
      global: true,
      // Topics and readiness are those of RebuildService: a rebuilt city is served while the log is unreachable.
      imports: [LogModule.forRoot({ connection, topicPolicy })],
      controllers: [LogController],
      providers: [
        { provide: CityState, useFactory: () => new CityState() },
        { provide: LogPositions, useFactory: () => new LogPositions() },
        { provide: REBUILD_MS, useValue: rebuildMs },
        FoldService,
        RebuildService,
      ],
      exports: [CityState, LogPositions, FoldService, RebuildService],
    };
  }
}
