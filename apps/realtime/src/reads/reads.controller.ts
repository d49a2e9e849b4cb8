import type { DemandMap, FleetCount, Kpis, SpeedingList, StillnessList } from '@hailstream/events/live';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Query } from '@nestjs/common';
import { withEvents } from '../kpis/kpis.js';
import { MINUTE_MS } from '../log/activity.js';
import { LogIndex } from '../log/log-index.js';
import { QueryParameters } from '../query/query-parameters.js';
import { ReadsService } from './reads.service.js';

type RequestQuery = Readonly<Record<string, unknown>>;

/** What the service computes of the city; a token with a provider sees only that provider's. */
@Controller()
@RequireScope('read')
export class ReadsController {
  constructor(
    private readonly reads: ReadsService,
    private readonly index: LogIndex,
  ) {}

  @Get('vehicles/count')
  @Header('cache-control', 'no-store')
  async count(@CurrentPrincipal() principal: Principal, @Query() query: RequestQuery): Promise<FleetCount> {
    return (await this.reads.read('count', principal, query)).result;
  }

  @Get('demand')
  @Header('cache-control', 'no-store')
  async demand(@CurrentPrincipal() principal: Principal, @Query() query: RequestQuery): Promise<DemandMap> {
    return (await this.reads.read('demand', principal, query)).result;
  }

  @Get('kpis')
  @Header('cache-control', 'no-store')
  async kpis(@CurrentPrincipal() principal: Principal, @Query() query: RequestQuery): Promise<Kpis> {
    const { result, by } = await this.reads.read('kpis', principal, query);
    if (!this.index.isCounting) return result;
    const provider = new QueryParameters(query).provider(principal.providerId ?? null);
    return withEvents(result, (from, intervals) =>
      this.index.activity.counts(by, { from, stepMs: MINUTE_MS, intervals }, provider),
    );
  }

  @Get('speeding')
  @Header('cache-control', 'no-store')
  async speeding(
    @CurrentPrincipal() principal: Principal,
    @Query() query: RequestQuery,
  ): Promise<SpeedingList> {
    return (await this.reads.read('speeding', principal, query)).result;
  }

  @Get('stillness')
  @Header('cache-control', 'no-store')
  async stillness(
    @CurrentPrincipal() principal: Principal,
    @Query() query: RequestQuery,
  ): Promise<StillnessList> {
    return (await this.reads.read('stillness', principal, query)).result;
  }
}
