import type { DeadLetterDetail, DeadLetterPage } from '@hailstream/events/dead-letters';
import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Query } from '@nestjs/common';
import { badRequest } from '../query/bad-request.js';
import { parseDeadLetterQuery } from './dead-letter-query.js';
import { DeadLettersService } from './dead-letters.service.js';

/**
 * `GET /dead-letters` and `GET /dead-letters/record?id=`. A token with a provider sees only the dead letters of that
 * provider's events.
 */
@Controller('dead-letters')
@RequireScope('read')
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLettersService) {}

  @Get()
  @Header('cache-control', 'no-store')
  async list(
    @CurrentPrincipal() principal: Principal,
    @Query() query: Record<string, unknown>,
  ): Promise<DeadLetterPage> {
    try {
      return await this.deadLetters.list(parseDeadLetterQuery(query), principal.providerId ?? null);
    } catch (error) {
      throw badRequest(error);
    }
  }

  @Get('record')
  @Header('cache-control', 'no-store')
  async record(
    @CurrentPrincipal() principal: Principal,
    @Query('id') id?: string | string[],
  ): Promise<DeadLetterDetail> {
    const found = await this.deadLetters.find(String(id ?? ''), principal.providerId ?? null);
    if (found !== undefined) return found;
    throw new ProblemError({
      status: 404,
      title: 'Not Found',
      detail: `no dead letter has the id "${String(id ?? '')}"`,
    });
  }
}
