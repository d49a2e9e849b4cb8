import { createAdmin, type Admin } from '@hailstream/log';
import { LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import type { RealtimeConfig } from '../config.js';
import { CityState } from '../fold/city-state.js';
import { FoldService } from './fold.service.js';
import { LogController } from './log.controller.js';
import { ADMIN, REBUILD_MS } from './log.tokens.js';
import { LogPositions } from './positions.js';
import { RebuildService } from './rebuild.service.js';

/** From the log to the city. */
@Module({})
export class LogModule implements OnApplicationShutdown {
  constructor(@Inject(ADMIN) private readonly admin: Admin) {}

  static forRoot({ connection, topicPolicy, rebuildMs }: RealtimeConfig['log']): DynamicModule {
    return {
      module: LogModule,
      global: true,
      controllers: [LogController],
      providers: [
        { provide: CityState, useFactory: () => new CityState() },
        { provide: LogPositions, useFactory: () => new LogPositions() },
        { provide: REBUILD_MS, useValue: rebuildMs },
        {
          provide: ADMIN,
          inject: [LOGGER],
          useFactory: (logger: Logger) =>
            createAdmin({ connection, topicPolicy, logger: logger.child({ component: 'admin' }) }),
        },
        FoldService,
        RebuildService,
      ],
      exports: [CityState, LogPositions, FoldService, RebuildService],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.admin[Symbol.asyncDispose]();
  }
}
