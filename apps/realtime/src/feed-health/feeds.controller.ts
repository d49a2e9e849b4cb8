import type { FeedList } from '@hailstream/events/feeds';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Query } from '@nestjs/common';
import { withBadRequest } from '../query/bad-request.js';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { FeedsService } from '../feeds/feeds.service.js';

/** `GET /feeds?provider_id=`: the health of the feeds. A token with a provider sees only its own. */
@Controller('feeds')
@RequireScope('read')
export class FeedsController {
  constructor(
    private readonly feeds: FeedsService,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() principal: Principal, @Query() query: Record<string, unknown>): FeedList {
    const filter = withBadRequest(() => new QueryParameters(query).provider(principal.providerId ?? null));
    this.rebuild.requireRebuilt();
    return this.feeds.list(filter);
  }
}
