import type { VehicleDetail } from '@hailstream/events/live';
import { CurrentPrincipal, ProblemError, Scope, type Principal } from '@hailstream/nest';
import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { BboxError, parseBbox } from './bbox.js';
import { RebuildService } from '../log/rebuild.service.js';
import { TooManyVehiclesError, VehiclesService, type ListedVehicle } from './vehicles.service.js';

interface VehicleList {
  readonly asOf: number;
  readonly count: number;
  readonly vehicles: readonly ListedVehicle[];
}

/** Vehicles as they are now; a token with a provider sees that provider's. */
@Controller('vehicles')
@Scope('read')
export class VehiclesController {
  constructor(
    private readonly vehiclesService: VehiclesService,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() principal: Principal, @Query('bbox') bbox?: string | string[]): VehicleList {
    this.rebuild.requireRebuilt();
    const asOf = Date.now();
    try {
      const viewport = bbox === undefined ? null : parseBbox(String(bbox));
      const vehicles = this.vehiclesService.list(principal.providerId ?? null, viewport, asOf);
      return { asOf, count: vehicles.length, vehicles };
    } catch (error) {
      throw badRequest(error);
    }
  }

  @Get(':device_id')
  @Header('cache-control', 'no-store')
  vehicle(@CurrentPrincipal() principal: Principal, @Param('device_id') deviceId: string): VehicleDetail {
    this.rebuild.requireRebuilt();
    const detail = this.vehiclesService.detail(deviceId, principal.providerId ?? null, Date.now());
    if (detail !== null) return detail;
    throw new ProblemError({
      status: 404,
      title: 'Not Found',
      detail: `no vehicle ${deviceId} has been heard of`,
    });
  }
}

function badRequest(error: unknown): unknown {
  if (!(error instanceof BboxError || error instanceof TooManyVehiclesError)) return error;
  return new ProblemError(
    {
      status: 400,
      title: 'Bad Request',
      detail: error instanceof BboxError ? `bbox ${error.message}` : error.message,
      errors: [{ field: 'bbox', detail: error.message }],
    },
    { cause: error },
  );
}
