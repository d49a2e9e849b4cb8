import { setImmediate as giveWay } from 'node:timers/promises';
import type { SearchResults } from '@hailstream/events/live';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Query } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { withBadRequest } from '../query/bad-request.js';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { searchCity } from './search.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;
const MAX_TEXT_CHARS = 100;

/** `GET /search?q=`: vehicles and trips; a token with a provider finds only those of that provider. */
@Controller('search')
@RequireScope('read')
export class SearchController {
  constructor(
    private readonly city: CityState,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  search(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
  ): Promise<SearchResults> {
    this.rebuild.requireRebuilt();
    return withBadRequest(() => {
      const parameters = new QueryParameters(query);
      const text = parameters.text('q', MAX_TEXT_CHARS) ?? '';
      const filter = parameters.provider(principal.providerId ?? null);
      const limit = parameters.integer('limit', { default: DEFAULT_LIMIT, minimum: 1, maximum: MAX_LIMIT });
      return searchCity(this.city, { text, filter, limit }, { now: Date.now(), pause: () => giveWay() });
    });
  }
}
