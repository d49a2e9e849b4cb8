import { CurrentPrincipal, requireAllProviders, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get } from '@nestjs/common';
import type { RunRecord } from './run-record.js';
import { RunsService } from './runs.service.js';

@Controller('runs')
@RequireScope('read')
export class RunsController {
  constructor(private readonly runs: RunsService) {}

  /** The latest loads of this process, newest first. They have the counts of all providers. */
  @Get()
  latest(@CurrentPrincipal() principal: Principal): { runs: readonly RunRecord[] } {
    requireAllProviders(principal, 'reading the runs');
    return { runs: this.runs.latest };
  }
}
