import type { EventTimeLimits } from '@hailstream/events';
import { LogError, type OutgoingRecord, type Producer, type RecordFate } from '@hailstream/log';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { PRODUCER } from '../event-log/event-log.tokens.js';
import { Topics } from '../event-log/topics.service.js';
import type { BulkResponse } from './bulk-response.js';
import type { Endpoint } from './endpoints.js';
import { logUnavailable, notAnArray, tooManyItems } from './intake.errors.js';
import { EVENT_LIMITS } from './intake.tokens.js';
import { MAX_ITEMS } from './limits.js';
import { sortItems, unwrittenItems } from './sort-items.js';

/** Checks what is sent, appends it to the log, and tells what became of each item. */
@Injectable()
export class Intake {
  private readonly events: Counter<'topic' | 'outcome'>;

  constructor(
    @Inject(PRODUCER) private readonly producer: Producer,
    private readonly topics: Topics,
    @Inject(EVENT_LIMITS) private readonly limits: Omit<EventTimeLimits, 'receivedAtMs'>,
    registry: Registry,
  ) {
    this.events = new Counter({
      name: 'ingest_events_total',
      help: 'Events by topic and by what became of them: written, invalid, unwritten',
      labelNames: ['topic', 'outcome'],
      registers: [registry],
    });
    new Gauge({
      name: 'ingest_buffered_bytes',
      help: 'Bytes of keys and values that the log has not acknowledged yet',
      registers: [registry],
      collect() {
        this.set(producer.bufferedBytes);
      },
    });
  }

  /**
   * Takes the body of one request. Resolves once the log has every item that is not among the failures.
   *
   * @throws ProblemError 400 or 413 for a body that is no array or too long; 503 where the log took nothing
   */
  async take(body: unknown, endpoint: Endpoint, providerId: string | undefined): Promise<BulkResponse> {
    if (!Array.isArray(body)) throw notAnArray();
    if (body.length > MAX_ITEMS) throw tooManyItems(body.length, MAX_ITEMS);
    const sorted = sortItems(body, endpoint, { ...this.limits, receivedAtMs: Date.now(), providerId });
    const { records, failures } = sorted;
    this.count(endpoint, 'invalid', failures.length);
    if (records.length > 0) {
      const fates = await this.append(records, endpoint);
      const unwritten = unwrittenItems(body, sorted, fates);
      this.count(endpoint, 'unwritten', unwritten.length);
      this.count(endpoint, 'written', records.length - unwritten.length);
      if (unwritten.length === records.length) throw logUnavailable(firstReason(fates));
      failures.push(...unwritten);
    }
    return { success: body.length - failures.length, total: body.length, failures };
  }

  private async append(records: OutgoingRecord[], endpoint: Endpoint): Promise<RecordFate[]> {
    try {
      if (!this.topics.ready) throw logUnavailable('the log has not been reached yet');
      return await this.producer.send(records);
    } catch (error) {
      this.count(endpoint, 'unwritten', records.length);
      if (error instanceof LogError) throw logUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  private count({ family }: Endpoint, outcome: 'written' | 'invalid' | 'unwritten', events: number): void {
    if (events > 0) this.events.inc({ topic: family.topic.name, outcome }, events);
  }
}

function firstReason(fates: readonly RecordFate[]): string {
  const failed = fates.find((fate) => fate.kind === 'failed');
  return failed?.kind === 'failed' ? failed.error.message : 'the log did not answer';
}
