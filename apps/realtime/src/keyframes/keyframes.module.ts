import { Global, Module, type DynamicModule } from '@nestjs/common';
import { KeyframeMetrics } from '../metrics/keyframe-metrics.service.js';
import { KeyframesService, type HistoryOptions } from './keyframes.service.js';
import { HISTORY_OPTIONS } from './keyframes.tokens.js';

/** Writes the city to disk, and restores it at start. */
@Global()
@Module({})
export class KeyframesModule {
  static forRoot(options: HistoryOptions): DynamicModule {
    return {
      module: KeyframesModule,
      providers: [{ provide: HISTORY_OPTIONS, useValue: options }, KeyframeMetrics, KeyframesService],
      exports: [HISTORY_OPTIONS, KeyframesService],
    };
  }
}
