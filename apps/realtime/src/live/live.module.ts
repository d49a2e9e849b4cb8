import { Module, type DynamicModule } from '@nestjs/common';
import { LiveMetrics } from '../metrics/live-metrics.service.js';
import { StatsModule } from '../stats/stats.module.js';
import type { LiveLimits } from '../limits/live-limits.js';
import { LiveGateway } from './live.gateway.js';
import { LiveService } from './live.service.js';
import { HANDSHAKES, LIVE_LIMITS, TICK_MS } from './live.tokens.js';
import { Turnstile } from './turnstile.js';

/** Connections that wait do so for at most this many ticks; those of one address for half of it. */
const MAX_TICKS_WAITED = 20;

/** Sends the city to the pages over socket.io. */
@Module({})
export class LiveModule {
  static forRoot(tickMs: number, limits: LiveLimits): DynamicModule {
    return {
      module: LiveModule,
      imports: [StatsModule],
      providers: [
        { provide: TICK_MS, useValue: tickMs },
        { provide: LIVE_LIMITS, useValue: limits },
        { provide: HANDSHAKES, useValue: handshakes(limits) },
        LiveMetrics,
        LiveService,
        LiveGateway,
      ],
      exports: [LiveService, LiveMetrics],
    };
  }
}

function handshakes({ handshakesPerTick: perTick }: LiveLimits): Turnstile {
  return new Turnstile({ perTick, maxWaiting: perTick * MAX_TICKS_WAITED });
}
