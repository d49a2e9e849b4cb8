import type { VehicleTimeline } from '@hailstream/events/live';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import { historyProblem } from '../history/history.problem.js';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { parsePeriod, requireId } from './trip-query.js';
import { TripsService } from './trips.service.js';

/** `GET /vehicles/:device_id/timeline`; a token with a provider sees only that provider's vehicles. */
@Controller('vehicles')
@RequireScope('read')
export class TimelineController {
  constructor(
    private readonly trips: TripsService,
    private readonly city: CityState,
    private readonly rebuild: RebuildService,
  ) {}

  @Get(':device_id/timeline')
  @Header('cache-control', 'no-store')
  async timeline(
    @CurrentPrincipal() principal: Principal,
    @Param('device_id') device: string,
    @Query() query: Record<string, unknown>,
  ): Promise<VehicleTimeline> {
    this.rebuild.requireRebuilt();
    try {
      const now = Date.now();
      const parameters = new QueryParameters(query);
      const deviceId = requireId('device_id', device);
      const period = parsePeriod(parameters, now);
      const providerId = this.providerOf(deviceId, parameters.provider(principal.providerId ?? null));
      return await this.trips.timeline({ deviceId, providerId }, { ...period, now });
    } catch (error) {
      throw historyProblem(error);
    }
  }

  private providerOf(deviceId: string, filter: ProviderFilter): string {
    const [vehicle, ...others] = this.city.vehiclesWithId(deviceId, filter);
    if (vehicle === undefined) {
      const detail = `no event of a vehicle ${deviceId} has been received`;
      throw new ProblemError({ status: 404, title: 'Not Found', detail });
    }
    if (others.length === 0) return vehicle.providerId;
    throw new ProblemError({
      status: 409,
      title: 'Conflict',
      detail: `${others.length + 1} providers have a vehicle ${deviceId}: select one with provider_id`,
      headers: { 'cache-control': 'no-store' },
    });
  }
}
