import { Module, type DynamicModule } from '@nestjs/common';
import { StatsModule } from '../stats/stats.module.js';
import { LiveGateway } from './live.gateway.js';
import { LiveService } from './live.service.js';
import { TICK_MS } from './live.tokens.js';

/** Sends the city to the pages over socket.io. */
@Module({})
export class LiveModule {
  static forRoot(tickMs: number): DynamicModule {
    return {
      module: LiveModule,
      imports: [StatsModule],
      providers: [{ provide: TICK_MS, useValue: tickMs }, LiveService, LiveGateway],
      exports: [LiveService],
    };
  }
}
