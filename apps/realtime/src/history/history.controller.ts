import type { HistoryRange } from '@hailstream/events/live';
import { CurrentPrincipal, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, Header, Query } from '@nestjs/common';
import { QueryParameters } from '../query/query-parameters.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { MAX_INTERVALS } from './history-range.js';
import { historyProblem } from './history.problem.js';
import { HistoryService } from './history.service.js';
import { parseOrder, parseTime } from './moment-query.js';

const DEFAULT_INTERVALS = 200;

/** `GET /history`: the moments that can be shown, and how many events they have. */
@Controller('history')
@RequireScope('read')
export class HistoryController {
  constructor(
    private readonly history: HistoryService,
    private readonly rebuild: RebuildService,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  range(@CurrentPrincipal() principal: Principal, @Query() query: Record<string, unknown>): HistoryRange {
    this.rebuild.requireRebuilt();
    try {
      const parameters = new QueryParameters(query);
      return this.history.range(parseOrder(parameters), parameters.provider(principal.providerId ?? null), {
        from: parseTime(parameters, 'from') ?? null,
        to: parseTime(parameters, 'to') ?? null,
        intervals: parameters.integer('intervals', {
          default: DEFAULT_INTERVALS,
          minimum: 1,
          maximum: MAX_INTERVALS,
        }),
      });
    } catch (error) {
      throw historyProblem(error);
    }
  }
}
