import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TICK_MS } from '../live/live.tokens.js';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import type { HistoryLimits } from '../limits/history-limits.js';
import { HistoryController } from './history.controller.js';
import { HistoryGateway } from './history.gateway.js';
import { HistoryService } from './history.service.js';
import { HISTORY_LIMITS, WORKER_OPTIONS } from './history.tokens.js';
import type { WorkerOptions } from './worker-protocol.js';

/** Shows the city at moments of the past. */
@Global()
@Module({})
export class HistoryModule {
  static forRoot(options: {
    readonly worker: WorkerOptions;
    readonly limits: HistoryLimits;
    readonly tickMs: number;
  }): DynamicModule {
    return {
      module: HistoryModule,
      controllers: [HistoryController],
      providers: [
        { provide: WORKER_OPTIONS, useValue: options.worker },
        { provide: TICK_MS, useValue: options.tickMs },
        { provide: HISTORY_LIMITS, useValue: options.limits },
        HistoryMetrics,
        HistoryService,
        HistoryGateway,
      ],
      exports: [HistoryService, HISTORY_LIMITS, WORKER_OPTIONS],
    };
  }
}
