import type { AnyEvent, EventFamily, EventTimeLimits } from '@hailstream/events';
import { LogError, type OutgoingRecord, type Producer, type DeliveryResult } from '@hailstream/log';
import { HealthChecks, LogTopics, PRODUCER, type ProblemError } from '@hailstream/nest';
import { Inject, Injectable } from '@nestjs/common';
import { Counter, Gauge, Registry } from 'prom-client';
import { isUuid } from '@hailstream/service/uuid';
import type { Admission, Visit } from '../admission/admission.js';
import { AdmittedRequests } from '../admission/admitted-requests.js';
import { AuditService } from '../audit/audit.service.js';
import { notAnArray, tooManyItems } from '../body/body.errors.js';
import { MAX_ITEMS } from '../body/json-body.js';
import { RefusedBody, type RefusalReason } from '../body/unparsed.js';
import { AcceptedPlaces } from '../dry-run/accepted-places.js';
import { warningsOf, type Warning } from '../dry-run/warnings.js';
import type { BulkResponse } from './bulk-response.js';
import { logUnavailable } from './events.errors.js';
import { WriteHealth } from './write-health.js';
import { unwrittenItems, validateItems, type ValidatedItems } from './validate-items.js';

/** Injects the configured limits of event times: `IngestConfig['events']`. */
export const EVENT_LIMITS = Symbol('EventLimits');

const OUTCOMES = ['written', 'invalid', 'unwritten'] as const;
type Outcome = (typeof OUTCOMES)[number];

/** The response to a dry run: what the endpoint would respond, and what is likely wrong. */
interface ValidationResponse extends BulkResponse {
  readonly warnings: readonly Warning[];
}

/** Validates the items of a request, appends the valid ones to the log, and reports the result of each. */
@Injectable()
export class IngestService {
  private readonly admission: Admission;
  /** Events that were counted since the metrics were collected last. */
  private readonly counted = new Map<EventFamily, Record<Outcome, number>>();

  private readonly writes = new WriteHealth();

  constructor(
    @Inject(PRODUCER) private readonly producer: Producer,
    private readonly topics: LogTopics,
    @Inject(EVENT_LIMITS) private readonly limits: Omit<EventTimeLimits, 'receivedAtMs'>,
    private readonly audit: AuditService,
    private readonly places: AcceptedPlaces,
    @Inject(AdmittedRequests) { admission }: AdmittedRequests,
    registry: Registry,
    healthChecks: HealthChecks,
  ) {
    healthChecks.register('writes', () => this.writes.check(Date.now()));
    this.admission = admission;
    const { counted } = this;
    new Counter({
      name: 'ingest_events_total',
      help: 'Events received, by topic and outcome: written, invalid or unwritten',
      labelNames: ['topic', 'outcome'],
      registers: [registry],
      collect() {
        for (const [{ topic }, counts] of counted) {
          for (const outcome of OUTCOMES) {
            if (counts[outcome] > 0) this.inc({ topic: topic.name, outcome }, counts[outcome]);
            counts[outcome] = 0;
          }
        }
      },
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
  async ingest(family: EventFamily, body: unknown, visit: Visit): Promise<BulkResponse> {
    const request = { family, visit, providerId: visit.providerId, receivedAtMs: Date.now() };
    const { items, validated } = this.check(body, request, (reason) => this.auditBody(request, reason));
    const { records, failures } = validated;
    this.count(family, 'invalid', failures.length);
    this.auditFailures(items, validated, request);
    if (records.length > 0) {
      const results = await this.append(request, records);
      const unwritten = unwrittenItems(items, validated, results);
      this.count(family, 'unwritten', unwritten.length);
      this.count(family, 'written', records.length - unwritten.length);
      if (unwritten.length === records.length) throw this.unavailable(firstReason(results));
      this.writes.succeeded();
      failures.push(...unwritten);
      this.auditAccepted(items, validated, results, request);
    }
    return { success: items.length - failures.length, total: items.length, failures };
  }

  /**
   * Returns what {@link ingest} would respond to a body if the log accepts every record, with warnings of likely mistakes.
   * Nothing is written or counted.
   *
   * @throws ProblemError if the body is not an array (400) or too long (413)
   */
  validate(family: EventFamily, body: unknown, visit: Visit): ValidationResponse {
    const request = { family, visit, providerId: visit.providerId, receivedAtMs: Date.now() };
    const { items, validated } = this.check(body, request, () => undefined);
    const { failures } = validated;
    return {
      success: items.length - failures.length,
      total: items.length,
      failures,
      warnings: warningsOf(items, validated, { ...request, places: this.places }),
    };
  }

  private check(
    body: unknown,
    { family, visit, providerId, receivedAtMs }: ItemsRequest,
    onRefused: (reason: RefusalReason) => void,
  ): { readonly items: readonly unknown[]; readonly validated: ValidatedItems } {
    this.admission.charge(visit, Array.isArray(body) ? body.length : 1);
    if (body instanceof RefusedBody) {
      onRefused(body.reason);
      throw body.problem;
    }
    if (!Array.isArray(body)) {
      onRefused('not-a-list');
      throw notAnArray();
    }
    if (body.length > MAX_ITEMS) {
      onRefused('too-many-items');
      throw tooManyItems(body.length, MAX_ITEMS);
    }
    const { maxAgeDays } = this.limits;
    return { items: body, validated: validateItems(body, family, { maxAgeDays, providerId, receivedAtMs }) };
  }

  private auditBody({ family, providerId, receivedAtMs }: ItemsRequest, reason: string): void {
    if (providerId === undefined) return;
    this.audit.counts.reject({ topic: family.topic.name, providerId, receivedAtMs }, reason);
  }

  private auditFailures(
    items: readonly unknown[],
    { failures, reasons }: ValidatedItems,
    { family, providerId, receivedAtMs }: ItemsRequest,
  ): void {
    for (const [position, { index }] of failures.entries()) {
      const provider = providerId ?? providerOf(items[index]);
      if (provider === undefined) continue;
      const of = { topic: family.topic.name, providerId: provider, receivedAtMs };
      this.audit.counts.reject(of, reasons[position]!);
    }
  }

  private auditAccepted(
    items: readonly unknown[],
    { indexes }: ValidatedItems,
    results: readonly DeliveryResult[],
    { family, providerId: only, receivedAtMs }: ItemsRequest,
  ): void {
    let accepted = 0;
    const byProvider = new Map<string, number>();
    for (const [position, index] of indexes.entries()) {
      if (results[position]?.kind === 'failed') continue;
      const event = items[index] as AnyEvent;
      this.places.note(event);
      accepted += 1;
      if (only !== undefined) continue;
      const providerId = family.providerId(event);
      byProvider.set(providerId, (byProvider.get(providerId) ?? 0) + 1);
    }
    // Other providers' items are invalid.
    if (only !== undefined) byProvider.set(only, accepted);
    for (const [providerId, count] of byProvider) {
      this.audit.counts.accept({ topic: family.topic.name, providerId, receivedAtMs }, count);
    }
  }

  private async append(
    { family, visit }: ItemsRequest,
    records: OutgoingRecord[],
  ): Promise<DeliveryResult[]> {
    let bytes = 0;
    for (const { value } of records) bytes += value?.length ?? 0;
    let isReserved = false;
    let isAcknowledged = false;
    try {
      if (!this.topics.ready) throw logUnavailable('the log has not been reachable since the start');
      this.admission.addToLog(visit, bytes);
      isReserved = true;
      const results = await this.producer.send(records);
      isAcknowledged = results.some(({ kind }) => kind !== 'failed');
      return results;
    } catch (error) {
      this.count(family, 'unwritten', records.length);
      if (error instanceof LogError) throw this.unavailable(error.message, { cause: error });
      throw error;
    } finally {
      if (isReserved) this.admission.removeFromLog(visit, bytes, isAcknowledged);
    }
  }

  private unavailable(reason: string, options?: ErrorOptions): ProblemError {
    this.writes.failed(reason, Date.now());
    return logUnavailable(reason, options);
  }

  private count(family: EventFamily, outcome: Outcome, events: number): void {
    if (events === 0) return;
    let counts = this.counted.get(family);
    if (counts === undefined) {
      counts = { written: 0, invalid: 0, unwritten: 0 };
      this.counted.set(family, counts);
    }
    counts[outcome] += events;
  }
}

/** A request with events of a family. */
interface ItemsRequest {
  readonly family: EventFamily;
  readonly visit: Visit;
  /** That of the token; `undefined` if every provider's events are accepted. */
  readonly providerId: string | undefined;
  readonly receivedAtMs: number;
}

/** The provider that an invalid item names; `undefined` if it names none. */
function providerOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const { provider_id: provider } = item as { readonly provider_id?: unknown };
  return typeof provider === 'string' && isUuid(provider) ? provider.toLowerCase() : undefined;
}

function firstReason(results: readonly DeliveryResult[]): string {
  const failed = results.find((result) => result.kind === 'failed');
  return failed?.kind === 'failed' ? failed.error.message : 'the log did not respond';
}
