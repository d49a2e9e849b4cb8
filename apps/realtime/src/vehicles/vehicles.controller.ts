import { Readable } from 'node:stream';
import type { FleetExtent, PastVehicleList, VehicleDetail, VehicleList } from '@hailstream/events/live';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Param, Query, StreamableFile } from '@nestjs/common';
import type { ProviderFilter } from '../fold/city-state.js';
import type { Vehicle } from '../fold/vehicle.js';
import { historyProblem } from '../history/history.problem.js';
import { HistoryService } from '../history/history.service.js';
import { parseOrder, parseTime, requireWithin } from '../history/moment-query.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { badRequest, withBadRequest } from '../query/bad-request.js';
import { QueryParameters } from '../query/query-parameters.js';
import { vehicleSummary } from '../views/vehicle-detail.js';
import { parseVehicleQuery, parseVehicleSelection } from './vehicle-query.js';
import { VehiclesService } from './vehicles.service.js';

const JSON_TYPE = 'application/json; charset=utf-8';

/** `GET /vehicles`, `GET /vehicles/extent` and `GET /vehicles/:device_id`; a token with a provider sees only that provider's vehicles. */
@Controller('vehicles')
@RequireScope('read')
export class VehiclesController {
  constructor(
    private readonly vehiclesService: VehiclesService,
    private readonly rebuild: RebuildService,
    private readonly history: HistoryService,
  ) {}

  /** With `at`, as of a moment of the past. */
  @Get()
  @Header('cache-control', 'no-store')
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
  ): Promise<VehicleList | PastVehicleList | StreamableFile> {
    this.rebuild.requireRebuilt();
    const allowed = principal.providerId ?? null;
    const parameters = new QueryParameters(query);
    const at = withBadRequest(() => {
      parseOrder(parameters);
      return parseTime(parameters, 'at');
    });
    if (at !== undefined) return this.listPast(query, { at, allowed });
    const parsed = withBadRequest(() => parseVehicleQuery(parameters, allowed));
    const list = await this.vehiclesService.listInTurns(parsed, Date.now()).catch((error: unknown) => {
      throw badRequest(error);
    });
    if (!isPieces(list)) return list;
    return new StreamableFile(Readable.from(list, { objectMode: false }), { type: JSON_TYPE });
  }

  @Get('extent')
  @Header('cache-control', 'no-store')
  extent(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
  ): Promise<FleetExtent> {
    this.rebuild.requireRebuilt();
    return withBadRequest(() => {
      const parsed = parseVehicleSelection(new QueryParameters(query), principal.providerId ?? null);
      return this.vehiclesService.extent(parsed, Date.now());
    });
  }

  @Get(':device_id')
  @Header('cache-control', 'no-store')
  vehicle(
    @CurrentPrincipal() principal: Principal,
    @Param('device_id') deviceId: string,
    @Query('provider_id') providerId?: string | string[],
  ): VehicleDetail {
    this.rebuild.requireRebuilt();
    const now = Date.now();
    const visible = this.vehiclesService.withId(deviceId.toLowerCase(), principal.providerId ?? null);
    const requested = providerId === undefined ? null : String(providerId).toLowerCase();
    const found = visible.filter((vehicle) => requested === null || vehicle.providerId === requested);
    const [vehicle] = found;
    if (vehicle === undefined) throw notFound(deviceId, requested);
    if (found.length > 1) throw ambiguous(deviceId, found, now);
    return this.vehiclesService.detail(vehicle, now);
  }

  private async listPast(
    query: Record<string, unknown>,
    { at, allowed }: { readonly at: number; readonly allowed: ProviderFilter },
  ): Promise<PastVehicleList> {
    try {
      const parameters = new QueryParameters(query);
      parseVehicleQuery(parameters, allowed);
      const by = parseOrder(parameters);
      requireWithin(at, this.history.limits(by));
      return await this.history.vehicles({ by, at, filter: allowed, parameters: query });
    } catch (error) {
      throw historyProblem(error);
    }
  }
}

function isPieces(list: VehicleList | AsyncGenerator<string>): list is AsyncGenerator<string> {
  return Symbol.asyncIterator in list;
}

function notFound(deviceId: string, providerId: string | null): ProblemError {
  const whose = providerId === null ? '' : ` of provider ${providerId}`;
  return new ProblemError({
    status: 404,
    title: 'Not Found',
    detail: `no event of a vehicle ${deviceId}${whose} has been received`,
  });
}

/** No vehicle is preferred: otherwise one provider could replace the vehicle of another. */
function ambiguous(deviceId: string, found: readonly Vehicle[], now: number): ProblemError {
  return new ProblemError({
    status: 409,
    title: 'Conflict',
    detail: `${found.length} providers have a vehicle ${deviceId}: select one with provider_id`,
    headers: { 'cache-control': 'no-store' },
    extensions: { vehicles: found.map((vehicle) => vehicleSummary(vehicle, now)) },
  });
}
