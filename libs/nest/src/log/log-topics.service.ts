import type { Admin, TopicSettings } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HealthChecks } from '../health/health-checks.service.js';
import { LOGGER } from '../logging/logging.module.js';
import { ADMIN, TOPICS } from './log.tokens.js';
import { waitForLog } from './wait-for-log.js';

/** Ensures the topics of the app, retrying until the log is reachable, and registers the readiness checks of the log. */
@Injectable()
export class LogTopics implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stop = new AbortController();
  private readonly logger: Logger;
  private failure: Error | undefined = new Error('topics have not been checked yet');
  private ensuring: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(TOPICS) private readonly topics: readonly TopicSettings[],
    @Inject(LOGGER) logger: Logger,
    healthChecks: HealthChecks,
  ) {
    this.logger = logger.child({ component: 'topics' });
    healthChecks.register('topics', () => {
      if (this.failure) throw this.failure;
    });
    healthChecks.register('log', async () => {
      if (!(await this.admin.ping())) throw new Error('no broker is reachable');
    });
  }

  /** Whether all topics are known to exist. */
  get ready(): boolean {
    return this.failure === undefined;
  }

  onApplicationBootstrap(): void {
    this.ensuring = this.ensure();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.ensuring;
  }

  private async ensure(): Promise<void> {
    await waitForLog(
      async () => {
        await this.admin.ensureTopics(this.topics);
        this.failure = undefined;
        this.logger.info({ topics: this.topics.map(({ name }) => name) }, 'topics are ready');
      },
      { signal: this.stop.signal, onFailure: (error) => this.noteFailure(error) },
    );
  }

  /** Logs each reason once, not at each attempt. */
  private noteFailure(failure: Error): void {
    if (this.failure?.message === failure.message) return;
    this.failure = failure;
    this.logger.warn({ err: failure }, 'topics are not ready, will retry');
  }
}
