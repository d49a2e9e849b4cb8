import type { Admin, LogConnection } from '@hailstream/log';
import { ADMIN, HealthChecks, LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Erasures } from '../erasures/erasures.js';
import type { JobSpec } from '../router-file/router-file.js';
import type { SinkCredentials } from '../sinks/credentials.js';
import type { EncodingPool } from '@hailstream/parquet';
import type { DeliveryObserver } from '../sinks/delivery.js';
import { Job, type JobStatus } from './job.js';
import { JobMetrics } from './job-metrics.service.js';
import { requireProgress } from './job-progress.js';
import { openDelivery } from './open-delivery.js';

/** Injects {@link JobsOptions}. */
export const JOBS_OPTIONS = Symbol('JobsOptions');

export interface JobsOptions {
  readonly connection: LogConnection;
  readonly credentials: SinkCredentials;
  readonly specs: readonly JobSpec[];
  /** Encodes Parquet files; stopped with the jobs. @default on the thread of the caller */
  readonly encoding?: EncodingPool;
}

/** Runs the jobs of the router file, independently of each other. */
@Injectable()
export class JobsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly jobs: ReadonlyMap<string, Job>;
  private readonly erasures: Erasures;

  constructor(
    @Inject(JOBS_OPTIONS) private readonly options: JobsOptions,
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(LOGGER) logger: Logger,
    metrics: JobMetrics,
    healthChecks: HealthChecks,
  ) {
    const { connection, credentials, specs, encoding } = options;
    const encode = encoding && { encode: encoding.encode };
    const erasures = new Erasures({ connection, admin, logger: logger.child({ component: 'erasures' }) });
    this.erasures = erasures;
    this.jobs = new Map(
      specs.map((spec) => {
        const jobLogger = logger.child({ job: spec.name });
        const open = (observer: DeliveryObserver) =>
          openDelivery(spec, {
            connection,
            credentials,
            admin,
            logger: jobLogger,
            observer,
            erasures,
            ...encode,
          });
        return [spec.name, new Job(spec, open, metrics, logger)] as const;
      }),
    );
    metrics.observe(() => this.statuses);
    healthChecks.register('log', async () => {
      if (!(await admin.ping())) throw new Error('no broker is reachable');
    });
    healthChecks.register('jobs', () =>
      requireProgress(
        [...this.jobs.values()].map(({ progress }) => progress),
        Date.now(),
      ),
    );
  }

  get statuses(): readonly JobStatus[] {
    return [...this.jobs.values()].map(({ status }) => status);
  }

  /** Returns `undefined` if there is no such job. */
  find(name: string): Job | undefined {
    return this.jobs.get(name);
  }

  onApplicationBootstrap(): void {
    for (const job of this.jobs.values()) job.start();
  }

  /** Waits for the deliveries in progress. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.jobs.values()].map((job) => job.stop()));
    await this.erasures[Symbol.asyncDispose]();
    await this.options.encoding?.[Symbol.asyncDispose]();
  }
}
