import type { ZoneList } from '@hailstream/events';
import { CurrentPrincipal, ProblemError, requireAllProviders, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { ZoneChangeError, ZonesService } from './zones.service.js';

const statuses = { INVALID: 400, NOT_FOUND: 404, CONFLICT: 409, FULL: 409, UNAVAILABLE: 503 } as const;

const titles = { 400: 'Bad Request', 404: 'Not Found', 409: 'Conflict', 503: 'Service Unavailable' } as const;

/** `GET /zones`, and `POST /zones` and `DELETE /zones/:id` for drawn zones. Zones are the same for all providers. */
@Controller('zones')
@RequireScope('read')
export class ZonesController {
  constructor(
    private readonly zones: ZonesService,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  list(@CurrentPrincipal() { providerId, scopes }: Principal): ZoneList {
    this.rebuild.requireRebuilt();
    return this.zones.list(providerId ?? null, scopes.has('operate') && providerId === undefined);
  }

  @Post()
  @RequireScope('operate')
  async draw(
    @CurrentPrincipal() principal: Principal,
    @Body() body: unknown,
  ): Promise<{ readonly id: string }> {
    requireAllProviders(principal, 'drawing a zone');
    const { id } = await this.zones.draw(body).catch(toProblem);
    return { id };
  }

  @Delete(':id')
  @HttpCode(204)
  @RequireScope('operate')
  async remove(@CurrentPrincipal() principal: Principal, @Param('id') id: string): Promise<void> {
    requireAllProviders(principal, 'removing a zone');
    await this.zones.remove(id).catch(toProblem);
  }
}

function toProblem(error: unknown): never {
  if (!(error instanceof ZoneChangeError)) throw error;
  const status = statuses[error.code];
  const errors = error.problems.map((problem) => {
    const [field = '', ...detail] = problem.split(': ');
    return { field: field.replace(/^\./, ''), detail: detail.join(': ') };
  });
  throw new ProblemError(
    { status, title: titles[status], detail: error.message, ...(errors.length > 0 && { errors }) },
    { cause: error },
  );
}
