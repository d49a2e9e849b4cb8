import type { TripList, TripPage, TripRoute, TripSummary } from '@hailstream/events/live';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { historyProblem } from '../history/history.problem.js';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { parseTripQuery, requireId } from './trip-query.js';
import { TripsService } from './trips.service.js';

/** `GET /trips`, `/trips/:trip_id` and `/trips/:trip_id/route`; a token with a provider sees only the trips of that provider. */
@Controller('trips')
@RequireScope('read')
export class TripsController {
  constructor(
    private readonly trips: TripsService,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() principal: Principal, @Query() query: Record<string, unknown>): Promise<TripList> {
    return this.answer(() => {
      const parsed = parseTripQuery(new QueryParameters(query), principal.providerId ?? null);
      return this.trips.list(parsed.query, { ...parsed, now: Date.now() });
    });
  }

  @Get(':trip_id')
  @Header('cache-control', 'no-store')
  trip(
    @CurrentPrincipal() principal: Principal,
    @Param('trip_id') tripId: string,
    @Query() query: Record<string, unknown>,
  ): Promise<TripPage> {
    return this.answer(async () => {
      const now = Date.now();
      return (await this.trips.page(await this.find(tripId, principal, query), now)) ?? notFound(tripId);
    });
  }

  @Get(':trip_id/route')
  @Header('cache-control', 'no-store')
  route(
    @CurrentPrincipal() principal: Principal,
    @Param('trip_id') tripId: string,
    @Query() query: Record<string, unknown>,
  ): Promise<TripRoute> {
    return this.answer(async () => {
      const now = Date.now();
      return (await this.trips.route(await this.find(tripId, principal, query), now)) ?? notFound(tripId);
    });
  }

  private async find(
    tripId: string,
    principal: Principal,
    query: Record<string, unknown>,
  ): Promise<TripSummary> {
    const id = requireId('trip_id', tripId);
    const filter = new QueryParameters(query).provider(principal.providerId ?? null);
    const [trip, ...others] = await this.trips.find(id, filter);
    if (trip === undefined) notFound(id);
    if (others.length > 0) throw ambiguous(id, [trip, ...others]);
    return trip;
  }

  private async answer<T>(run: () => Promise<T>): Promise<T> {
    this.rebuild.requireRebuilt();
    try {
      return await run();
    } catch (error) {
      throw historyProblem(error);
    }
  }
}

function notFound(tripId: string): never {
  throw new ProblemError({
    status: 404,
    title: 'Not Found',
    detail: `no event of a trip ${tripId} is in the part of the log that is kept`,
  });
}

function ambiguous(tripId: string, trips: readonly TripSummary[]): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `${trips.length} providers have a trip ${tripId}: select one with provider_id`,
    headers: { 'cache-control': 'no-store' },
    extensions: { trips },
  });
}
