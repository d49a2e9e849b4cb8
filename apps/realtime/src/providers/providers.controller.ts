import type { ProviderList } from '@hailstream/events/live';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header } from '@nestjs/common';
import { CityState } from '../fold/city-state.js';
import { RebuildService } from '../rebuild/rebuild.service.js';

/** `GET /providers`: those of which an event was received. A token with a provider sees only that one. */
@Controller('providers')
@RequireScope('read')
export class ProvidersController {
  constructor(
    private readonly city: CityState,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() principal: Principal): ProviderList {
    this.rebuild.requireRebuilt();
    const providers = this.city
      .providers(principal.providerId ?? null)
      .map(({ providerId, vehicles }) => ({ provider_id: providerId, vehicles }))
      .sort((one, other) => (one.provider_id < other.provider_id ? -1 : 1));
    return { asOf: Date.now(), providers };
  }
}
