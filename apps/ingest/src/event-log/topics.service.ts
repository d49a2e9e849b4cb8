import { setTimeout as pause } from 'node:timers/promises';
import type { TopicSpec } from '@hailstream/events';
import type { Admin } from '@hailstream/log';
import { HealthChecks, LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { ADMIN, TOPIC_SPECS } from './event-log.tokens.js';

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 3_000;

/** Sees to it that the topics exist, however late the log comes up, and tells whether the log can be written to. */
@Injectable()
export class Topics implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stop = new AbortController();
  private failure: Error | undefined = new Error('the topics have not been looked for yet');
  private ensuring: Promise<void> = Promise.resolve();

  constructor(
    @Inject(ADMIN) private readonly admin: Admin,
    @Inject(TOPIC_SPECS) private readonly specs: readonly TopicSpec[],
    @Inject(LOGGER) private readonly logger: Logger,
    healthChecks: HealthChecks,
  ) {
    healthChecks.register('topics', () => {
      if (this.failure) throw this.failure;
    });
    healthChecks.register('log', async () => {
      if (!(await this.admin.ping())) throw new Error('no broker answers');
    });
  }

  /** Whether all topics are known to exist. */
  get ready(): boolean {
    return this.failure === undefined;
  }

  onApplicationBootstrap(): void {
    this.ensuring = this.ensureTopics();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.ensuring;
  }

  private async ensureTopics(): Promise<void> {
    const { signal } = this.stop;
    let retryMs = FIRST_RETRY_MS;
    while (!signal.aborted && !this.ready) {
      try {
        await this.admin.ensureTopics(this.specs);
        this.failure = undefined;
        this.logger.info(
          { component: 'topics', topics: this.specs.map(({ name }) => name) },
          'topics are ready',
        );
      } catch (error) {
        this.noteFailure(error instanceof Error ? error : new Error(String(error)));
        await pause(retryMs, undefined, { signal }).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  /** Tells of a failure once, not at each attempt. */
  private noteFailure(failure: Error): void {
    if (this.failure?.message === failure.message) return;
    this.failure = failure;
    this.logger.warn({ component: 'topics', err: failure }, 'the topics could not be made yet');
  }
}
