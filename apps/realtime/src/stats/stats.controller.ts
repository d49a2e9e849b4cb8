import type { Figures, ServiceStatus } from '@hailstream/events/live';
import { CurrentPrincipal, Scope, type Principal } from '@hailstream/nest';
import { Controller, Get, Header } from '@nestjs/common';
import { CityState, type Totals } from '../fold/city-state.js';
import { LogPositions } from '../log/positions.js';
import { RebuildService } from '../log/rebuild.service.js';
import { RealtimeMetrics } from '../metrics/realtime-metrics.service.js';

/** `byState` here is of every device seen, the silent ones too. */
interface Stats extends Totals, Omit<Figures, 'byState'> {
  readonly asOf: number;
  /** Of the whole log, whoever asks. */
  readonly lagRecords: number;
  readonly recordsUnreadable: number;
  /** Whether these figures are of now. */
  readonly status: ServiceStatus;
}

/** `GET /stats`: how much was seen, and the figures of now; 503 until the city is rebuilt. */
@Controller('stats')
@Scope('read')
export class StatsController {
  constructor(
    private readonly city: CityState,
    private readonly positions: LogPositions,
    private readonly metrics: RealtimeMetrics,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  stats(@CurrentPrincipal() principal: Principal): Stats {
    this.rebuild.requireRebuilt();
    const asOf = Date.now();
    const scope = principal.providerId ?? null;
    return {
      asOf,
      ...this.city.survey(asOf)(scope),
      ...this.city.totals(scope),
      lagRecords: Number(this.positions.lagRecords),
      recordsUnreadable: this.metrics.unreadableCount,
      status: this.rebuild.status,
    };
  }
}
