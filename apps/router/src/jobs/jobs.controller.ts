import { CurrentPrincipal, ProblemError, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Job, JobStatus } from './job.js';
import { JobsService } from './jobs.service.js';

@Controller('jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  /** The jobs of this process, in the order of the router file. */
  @Get()
  @RequireScope('read')
  list(): { jobs: readonly JobStatus[] } {
    return { jobs: this.jobs.statuses };
  }

  /** Stops delivering until the job is resumed or the process restarts. The log keeps the records. */
  @Post(':name/pause')
  @HttpCode(200)
  @RequireScope('operate')
  pause(@Param('name') name: string, @CurrentPrincipal() principal: Principal): JobStatus {
    const job = this.find(name, principal);
    job.pause();
    return job.status;
  }

  @Post(':name/resume')
  @HttpCode(200)
  @RequireScope('operate')
  resume(@Param('name') name: string, @CurrentPrincipal() principal: Principal): JobStatus {
    const job = this.find(name, principal);
    job.resume();
    return job.status;
  }

  private find(name: string, principal: Principal): Job {
    // A job delivers the events of all providers.
    if (principal.providerId !== undefined) {
      throw new ProblemError({
        status: 403,
        title: 'Forbidden',
        detail: 'the token is limited to one provider',
      });
    }
    const job = this.jobs.find(name);
    if (job) return job;
    throw new ProblemError({ status: 404, title: 'Not Found', detail: `job "${name}" does not exist` });
  }
}
