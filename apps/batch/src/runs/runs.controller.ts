import { RequireScope } from '@hailstream/nest';
import { Controller, Get } from '@nestjs/common';
import type { RunRecord } from './run-record.js';
import { RunsService } from './runs.service.js';

@Controller('runs')
@RequireScope('read')
export class RunsController {
  constructor(private readonly runs: RunsService) {}

  /** The latest loads of this process, newest first. */
  @Get()
  latest(): { runs: readonly RunRecord[] } {
    return { runs: this.runs.latest };
  }
}
