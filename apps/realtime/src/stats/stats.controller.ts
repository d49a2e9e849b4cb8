import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header } from '@nestjs/common';
import { StatsService, type Stats } from './stats.service.js';

/** `GET /stats`: counts and figures as of the last tick; 503 until the city is rebuilt. */
@Controller('stats')
@RequireScope('read')
export class StatsController {
  constructor(private readonly stats: StatsService) {}

  @Get()
  @Header('cache-control', 'no-store')
  read(@CurrentPrincipal() principal: Principal): Stats {
    return this.stats.read(principal.providerId ?? null);
  }
}
