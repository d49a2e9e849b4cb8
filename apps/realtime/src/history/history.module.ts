import { Global, Module, type DynamicModule } from '@nestjs/common';
import { HistoryMetrics } from '../metrics/history-metrics.service.js';
import { HistoryController } from './history.controller.js';
import { HistoryService } from './history.service.js';
import { WORKER_OPTIONS } from './history.tokens.js';
import type { WorkerOptions } from './worker-protocol.js';

/** Shows the city at moments of the past. */
@Global()
@Module({})
export class HistoryModule {
  static forRoot(options: WorkerOptions): DynamicModule {
    return {
      module: HistoryModule,
      controllers: [HistoryController],
      providers: [{ provide: WORKER_OPTIONS, useValue: options }, HistoryMetrics, HistoryService],
      exports: [HistoryService],
    };
  }
}
