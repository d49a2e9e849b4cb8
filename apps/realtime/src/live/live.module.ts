import { Module, type DynamicModule } from '@nestjs/common';
import { LiveGateway } from './live.gateway.js';
import { LiveService } from './live.service.js';
import { TICK_MS } from './live.tokens.js';

/** From the city to the pages. */
@Module({})
export class LiveModule {
  static forRoot(tickMs: number): DynamicModule {
    return {
      module: LiveModule,
      providers: [{ provide: TICK_MS, useValue: tickMs }, LiveService, LiveGateway],
      exports: [LiveService],
    };
  }
}
