import {
  alertTopic,
  alertValidator,
  decodeValue,
  EventDecodeError,
  type Alert,
  type AlertRecord,
} from '@hailstream/events';
import { LogError, type Admin, type LogConnection, type LogRecord, type Producer } from '@hailstream/log';
import { ADMIN, LOGGER, PRODUCER } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { LOG_CONNECTION } from '../log/log.tokens.js';
import { TopicView } from '../log/topic-view.js';
import { AlertStore } from '../alert-rules/alert-store.js';

/** Maximum time to wait until a record that was written is read back. */
const READ_BACK_MS = 2_000;

/** The alerts of `ride.alerts`, which every process reads as a whole: the topic is the state. */
@Injectable()
export class AlertTopic implements OnApplicationBootstrap, OnModuleDestroy {
  readonly store = new AlertStore();
  private readonly view: TopicView;
  private readonly logger: Logger;
  private readonly stop = new AbortController();
  private readonly listeners = new Set<(alert: Alert | null) => void>();

  constructor(
    @Inject(LOG_CONNECTION) connection: LogConnection,
    @Inject(ADMIN) admin: Admin,
    @Inject(PRODUCER) private readonly producer: Producer,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'alerts' });
    this.view = new TopicView({
      connection,
      admin,
      logger: this.logger,
      topic: alertTopic.name,
      ensure: () => admin.ensureTopics([alertTopic]),
      onRecord: (record) => this.apply(record),
      onReset: () => {
        this.store.clear();
        this.notify(null);
      },
    });
  }

  onApplicationBootstrap(): void {
    this.view.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.view[Symbol.asyncDispose]();
  }

  get isCurrent(): boolean {
    return this.view.isCurrent;
  }

  /** Why the topic is not read; `null` if it is. */
  get failure(): string | null {
    return this.view.failure;
  }

  /** Calls the listener with each alert that changes, and with `null` when all may have changed. */
  onChange(listener: (alert: Alert | null) => void): void {
    this.listeners.add(listener);
  }

  /** Resolves to whether the store has everything that the topic has now. @throws LogError if the log does not respond */
  readToEnd(timeoutMs: number): Promise<boolean> {
    return this.view.readToEnd(timeoutMs, this.stop.signal);
  }

  /** Appends records. Resolves to those that the log has not stored, with the first error. */
  async append(
    records: readonly AlertRecord[],
  ): Promise<{ readonly failed: readonly AlertRecord[]; readonly error: Error | null }> {
    try {
      const results = await this.producer.send(
        records.map((record) => ({
          topic: alertTopic.name,
          key: record.alert_id,
          value: JSON.stringify(record),
        })),
      );
      const failed = records.filter((_, index) => results[index]?.kind === 'failed');
      const [first] = results.filter((result) => result.kind === 'failed');
      return { failed, error: first?.error ?? null };
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      return { failed: records, error };
    }
  }

  /** Appends one record and waits until it is read back. @throws LogError if the log has not stored it */
  async appendAndRead(record: AlertRecord): Promise<void> {
    const { error } = await this.append([record]);
    if (error !== null) throw error;
    await this.readToEnd(READ_BACK_MS);
  }

  private apply({ value, offset }: LogRecord): void {
    try {
      const alert = this.store.apply(decodeValue(alertValidator, value));
      if (alert !== null) this.notify(alert);
    } catch (error) {
      if (!(error instanceof EventDecodeError)) throw error;
      this.logger.warn({ err: error, offset: String(offset) }, 'skipped an unreadable alert');
    }
  }

  private notify(alert: Alert | null): void {
    for (const listener of this.listeners) listener(alert);
  }
}
