import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TICK_MS } from '../live/live.tokens.js';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import { HistoryController } from './history.controller.js';
import { HistoryGateway } from './history.gateway.js';
import { HistoryService } from './history.service.js';
import { WORKER_OPTIONS } from './history.tokens.js';
import type { WorkerOptions } from './worker-protocol.js';

/** Shows the city at moments of the past. */
@Global()
@Module({})
export class HistoryModule {
  static forRoot(worker: WorkerOptions, tickMs: number): DynamicModule {
    return {
      module: HistoryModule,
      controllers: [HistoryController],
      providers: [
        { provide: WORKER_OPTIONS, useValue: worker },
        { provide: TICK_MS, useValue: tickMs },
        HistoryMetrics,
        HistoryService,
        HistoryGateway,
      ],
      exports: [HistoryService, WORKER_OPTIONS],
    };
  }
}
