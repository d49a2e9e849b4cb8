import type { EventFamily, EventTimeLimits } from '@hailstream/events';
import { LogError, type OutgoingRecord, type Producer, type DeliveryResult } from '@hailstream/log';
import { LogTopics, PRODUCER } from '@hailstream/nest';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { MAX_ITEMS } from '../body/json-body.js';
import type { BulkResponse } from './bulk-response.js';
import { logUnavailable, notAnArray, tooManyItems } from './events.errors.js';
import { unwrittenItems, validateItems } from './validate-items.js';

/** Injects the configured limits of event times: `IngestConfig['events']`. */
export const EVENT_LIMITS = Symbol('EventLimits');

/** Validates the items of a request, appends the valid ones to the log, and reports the result of each. */
@Injectable()
export class IngestService {
  private readonly events: Counter<'topic' | 'outcome'>;

  constructor(
    @Inject(PRODUCER) private readonly producer: Producer,
    private readonly topics: LogTopics,
    @Inject(EVENT_LIMITS) private readonly limits: Omit<EventTimeLimits, 'receivedAtMs'>,
    registry: Registry,
  ) {
    this.events = new Counter({
      name: 'ingest_events_total',
      help: 'Events received, by topic and outcome: written, invalid or unwritten',
      labelNames: ['topic', 'outcome'],
      registers: [registry],
    });
    new Gauge({
      name: 'ingest_buffered_bytes',
      help: 'Bytes of keys and values that the log has not acknowledged',
      registers: [registry],
      collect() {
        this.set(producer.bufferedBytes);
      },
    });
  }

  /**
   * Ingests the body of one request. Resolves once the log has stored every item that is not among the failures.
   *
   * @throws ProblemError if the body is not an array (400) or too long (413), or if nothing was written (503)
   */
  async ingest(family: EventFamily, body: unknown, providerId: string | undefined): Promise<BulkResponse> {
    if (!Array.isArray(body)) throw notAnArray();
    if (body.length > MAX_ITEMS) throw tooManyItems(body.length, MAX_ITEMS);
    const validated = validateItems(body, family, { ...this.limits, receivedAtMs: Date.now(), providerId });
    const { records, failures } = validated;
    this.count(family, 'invalid', failures.length);
    if (records.length > 0) {
      const results = await this.append(family, records);
      const unwritten = unwrittenItems(body, validated, results);
      this.count(family, 'unwritten', unwritten.length);
      this.count(family, 'written', records.length - unwritten.length);
      if (unwritten.length === records.length) throw logUnavailable(firstReason(results));
      failures.push(...unwritten);
    }
    return { success: body.length - failures.length, total: body.length, failures };
  }

  private async append(family: EventFamily, records: OutgoingRecord[]): Promise<DeliveryResult[]> {
    try {
      if (!this.topics.ready) throw logUnavailable('the log has not been reachable since the start');
      return await this.producer.send(records);
    } catch (error) {
      this.count(family, 'unwritten', records.length);
      if (error instanceof LogError) throw logUnavailable(error.message, { cause: error });
      throw error;
    }
  }

  private count({ topic }: EventFamily, outcome: 'written' | 'invalid' | 'unwritten', events: number): void {
    if (events > 0) this.events.inc({ topic: topic.name, outcome }, events);
  }
}

function firstReason(results: readonly DeliveryResult[]): string {
  const failed = results.find((result) => result.kind === 'failed');
  return failed?.kind === 'failed' ? failed.error.message : 'the log did not respond';
}
