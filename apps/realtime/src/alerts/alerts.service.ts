import { performance } from 'node:perf_hooks';
import { alertTopic, type Alert, type AlertPage, type AlertRecord } from '@hailstream/events';
import { LogError, type Admin, type LogConnection } from '@hailstream/log';
import { ADMIN, LOGGER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import type { Principal } from '@hailstream/service/tokens';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CityState, type ProviderFilter } from '../fold/city-state.js';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { AlertMetrics } from '../metrics/alert-metrics.service.js';
import { RebuildService } from '../rebuild/rebuild.service.js';
import { ZoneBook } from '../geofences/zone-book.js';
import { AlertEngine } from '../alert-rules/alert-engine.js';
import { AlertPublisher } from './alert-publisher.js';
import { cursorAfter, isAfter, matches, type AlertQuery } from './alert-query.js';
import { isVisible } from '../alert-rules/alert-store.js';
import { AlertTopic } from './alert-topic.service.js';
import { ALERT_RULES } from './alerts.tokens.js';
import { CityRules } from '../alert-rules/city-rules.js';
import { Leadership } from './leadership.js';
import type { AlertRule } from '../alert-rules/rule-file.js';

const EVALUATE_EVERY_MS = 1_000;

/** Maximum time that a new leader waits in one evaluation until it has read the topic. */
const READ_MS = 500;

/** An alert cannot be acknowledged. */
export class AcknowledgeError extends Error {
  override readonly name = 'AcknowledgeError';

  constructor(
    readonly code: 'NOT_FOUND' | 'UNAVAILABLE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Evaluates the rules once a second and publishes what changes. Of all processes with rules, only the leader does so, once it has
 * read all alerts of the topic: so an alert is raised once, also after a restart or by another leader.
 */
@Injectable()
export class AlertsService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly engine: AlertEngine;
  private readonly reader: CityRules;
  private readonly publisher: AlertPublisher;
  private readonly leadership: Leadership | null;
  private readonly logger: Logger;
  private readonly stop = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private evaluating: Promise<void> = Promise.resolve();
  /** Whether this process was the leader at the last evaluation, and had read the topic. */
  private leads = false;

  constructor(
    @Inject(ALERT_RULES) private readonly rules: readonly AlertRule[],
    private readonly topic: AlertTopic,
    city: CityState,
    private readonly zones: ZoneBook,
    private readonly rebuild: RebuildService,
    private readonly metrics: AlertMetrics,
    @Inject(LOG_CONNECTION) connection: LogConnection,
    @Inject(ADMIN) admin: Admin,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'alerts' });
    this.reader = new CityRules(city, zones);
    this.engine = new AlertEngine(rules, topic.store);
    this.publisher = new AlertPublisher(
      (records) => topic.append(records),
      (records) => metrics.countPublished(records),
      this.logger,
    );
    this.leadership =
      rules.length === 0
        ? null
        : new Leadership({
            connection,
            logger: this.logger,
            groupId: 'realtime-alerts',
            topic: alertTopic.name,
            ensure: () => admin.ensureTopics([alertTopic]),
          });
    metrics.setSource(() => ({
      counts: topic.store.counts(null),
      isLeader: this.leads,
      waiting: this.publisher.waitingCount,
    }));
  }

  onApplicationBootstrap(): void {
    if (this.leadership === null) return;
    this.leadership.start();
    this.schedule();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    await this.evaluating;
    await this.publisher[Symbol.asyncDispose]();
    await this.leadership?.[Symbol.asyncDispose]();
  }

  list(query: AlertQuery, filter: ProviderFilter, mayAcknowledge: boolean): AlertPage {
    const { store } = this.topic;
    const matching = store.list(filter).filter((alert) => matches(alert, query));
    const { after } = query;
    const rest = after === undefined ? matching : matching.filter((alert) => isAfter(alert, after));
    const alerts = rest.slice(0, query.limit);
    return {
      asOf: Date.now(),
      isCurrent: this.topic.isCurrent,
      mayAcknowledge,
      rules: { count: this.rules.length, problems: this.problems() },
      publication: {
        isLeader: this.leads,
        waiting: this.publisher.waitingCount,
        failure: this.publisher.failure,
      },
      counts: store.counts(filter),
      total: matching.length,
      alerts,
      next: rest.length > query.limit ? cursorAfter(alerts.at(-1)!) : null,
    };
  }

  /** Resolves to the alert, acknowledged by this caller or by another one before. @throws AcknowledgeError */
  async acknowledge(alertId: string, { name, providerId }: Principal): Promise<Alert> {
    const { store } = this.topic;
    const alert = store.get(alertId);
    if (alert === undefined || !isVisible(alert, providerId ?? null)) {
      throw new AcknowledgeError('NOT_FOUND', `no alert has the id "${alertId}"`);
    }
    if (alert.acknowledged_at !== null) return alert;
    const now = Date.now();
    const record: AlertRecord = {
      ...alert,
      change: 'acknowledged',
      changed_at: now,
      state: alert.state === 'open' ? 'acknowledged' : alert.state,
      acknowledged_at: now,
      acknowledged_by: name ?? null,
    };
    try {
      await this.topic.appendAndRead(record);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      const message = `the log did not store the acknowledgement: ${error.message}`;
      throw new AcknowledgeError('UNAVAILABLE', message, { cause: error });
    }
    this.metrics.countPublished([record]);
    const stored = store.get(alertId);
    return stored === undefined || stored.acknowledged_at === null ? record : stored;
  }

  private problems(): string[] {
    const { topic, leadership, rules } = this;
    const problems = rules.flatMap((rule) =>
      'zone' in rule && rule.zone !== undefined && this.zones.zone(rule.zone) === undefined
        ? [`rule ${rule.id}: no zone has the id "${rule.zone}"`]
        : [],
    );
    if (!topic.isCurrent) problems.push(`alerts are not loaded: ${topic.failure ?? 'reading the topic'}`);
    const failure = leadership?.failure ?? null;
    if (failure !== null) problems.push(`rules are not evaluated by this process: ${failure}`);
    return problems;
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.evaluating = this.evaluate()
        .catch((error: unknown) => this.logger.error({ err: error }, 'evaluating the rules failed'))
        .finally(() => {
          if (!this.stop.signal.aborted) this.schedule();
        });
    }, EVALUATE_EVERY_MS);
  }

  private async evaluate(): Promise<void> {
    const canLead = this.leadership?.isLeader === true && this.topic.isCurrent;
    if (!canLead) {
      if (this.leads) this.logger.info('no longer evaluates the alert rules');
      this.leads = false;
      this.engine.forget();
      this.publisher.forget();
      return;
    }
    // What is seen while the log is not followed says nothing about the city.
    if (this.rebuild.status.kind !== 'following') return;
    if (!this.leads) {
      if (!(await this.hasReadTopic())) return;
      this.leads = true;
      this.logger.info({ rules: this.rules.length }, 'evaluates the alert rules');
    }
    const startedAt = performance.now();
    this.publisher.publish(this.engine.evaluate(this.reader.at(Date.now())));
    this.metrics.observeEvaluation(performance.now() - startedAt);
  }

  private async hasReadTopic(): Promise<boolean> {
    try {
      return await this.topic.readToEnd(READ_MS);
    } catch (error) {
      if (error instanceof LogError) return false;
      throw error;
    }
  }
}
