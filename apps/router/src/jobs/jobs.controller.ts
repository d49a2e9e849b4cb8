import { CurrentPrincipal, ProblemError, requireAllProviders, RequireScope } from '@hailstream/nest';
import type { Principal } from '@hailstream/service/tokens';
import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Job, JobStatus } from './job.js';
import { JobsService } from './jobs.service.js';

/** A job delivers the events of all providers. */
@Controller('jobs')
export class JobsController {
  constructor(private readonly jobs: JobsService) {}

  /** The jobs of this process, in the order of the router file. */
  @Get()
  @RequireScope('read')
  list(@CurrentPrincipal() principal: Principal): { jobs: readonly JobStatus[] } {
    requireAllProviders(principal, 'reading the state of jobs');
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
    requireAllProviders(principal, 'changing a job');
    const job = this.jobs.find(name);
    if (job) return job;
    throw new ProblemError({ status: 404, title: 'Not Found', detail: `job "${name}" does not exist` });
  }
}
