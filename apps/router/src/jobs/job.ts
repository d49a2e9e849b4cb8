import { partitionName, type ConsumerGap } from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { JobSpec } from '../router-file/router-file.js';
import type { Delivery, DeliveryCounts, DeliveryObserver } from '../sinks/delivery.js';

/** Identifies failures that concern no partition. */
const START = 'start';
const START_BACKOFF = { firstMs: 500, maxMs: 30_000 };

/** `failing`: deliveries fail and are repeated. */
type JobState = 'starting' | 'running' | 'paused' | 'failing' | 'stopped';

export interface JobFailure {
  readonly code: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  readonly failures: number;
}

export interface JobStatus {
  readonly name: string;
  readonly state: JobState;
  readonly sink: string;
  readonly topics: readonly string[];
  /** Partitions that are assigned to this process. */
  readonly partitions: number;
  readonly lagRecords: string;
  /** Since the process started. */
  readonly counts: DeliveryCounts;
  readonly lastDeliveryAt: string | null;
  readonly failure: JobFailure | null;
}

/** Receives the results of a job's deliveries. */
export interface JobListener {
  counted(job: string, counts: DeliveryCounts): void;
  failed(job: string, error: Error): void;
  gap(job: string, gap: ConsumerGap): void;
}

/** Runs the delivery of one job, restarts it after failures, and has its state. */
export class Job implements DeliveryObserver {
  private readonly logger: Logger;
  private readonly failureLogger: RateLimitedLogger;
  private readonly stopping = new AbortController();
  private delivery: Delivery | undefined;
  private delivering: Promise<void> = Promise.resolve();
  private isStarted = false;
  private isPaused = false;
  private failure: JobFailure | null = null;
  private readonly failing = new Set<string>();
  private lastDeliveryAt: string | null = null;
  private counts: DeliveryCounts = { records: 0, delivered: 0, filtered: 0, deadLettered: 0 };

  constructor(
    private readonly spec: JobSpec,
    private readonly openDelivery: (observer: DeliveryObserver) => Delivery,
    private readonly listener: JobListener,
    logger: Logger,
  ) {
    this.logger = logger.child({ component: 'jobs', job: spec.name });
    this.failureLogger = new RateLimitedLogger(this.logger);
  }

  get name(): string {
    return this.spec.name;
  }

  get status(): JobStatus {
    const { spec, state, counts, lastDeliveryAt, failure, delivery } = this;
    return {
      name: spec.name,
      state,
      sink: spec.sink.type,
      topics: spec.topics,
      partitions: delivery?.assignedPartitions ?? 0,
      lagRecords: String(delivery?.lagRecords() ?? 0n),
      counts,
      lastDeliveryAt,
      failure,
    };
  }

  /** Why deliveries fail; `null` if they do not, or if the job is paused. */
  get progress(): { readonly name: string; readonly failure: JobFailure | null } {
    return { name: this.name, failure: this.isPaused ? null : this.failure };
  }

  /** Starts in the background, and tries until it succeeds. */
  start(): void {
    this.delivering = this.keepDelivering();
  }

  pause(): void {
    this.isPaused = true;
    this.delivery?.pause();
    this.logger.info('job paused');
  }

  resume(): void {
    this.isPaused = false;
    this.delivery?.resume();
    this.logger.info('job resumed');
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.delivering;
    this.failureLogger.stop();
  }

  delivered(_: unknown, counts: DeliveryCounts): void {
    const sum = this.counts;
    this.counts = {
      records: sum.records + counts.records,
      delivered: sum.delivered + counts.delivered,
      filtered: sum.filtered + counts.filtered,
      deadLettered: sum.deadLettered + counts.deadLettered,
    };
    this.lastDeliveryAt = new Date().toISOString();
    this.listener.counted(this.name, counts);
  }

  failed(partition: { readonly topic: string; readonly partition: number } | undefined, error: Error): void {
    const code = 'code' in error ? String(error.code) : error.name;
    const since = this.failure?.since ?? new Date().toISOString();
    this.failure = { code, reason: error.message, since, failures: (this.failure?.failures ?? 0) + 1 };
    this.failing.add(placeOf(partition));
    this.listener.failed(this.name, error);
    this.failureLogger.warn({ ...partition, err: error }, 'delivery failed, will retry');
  }

  recovered(partition: { readonly topic: string; readonly partition: number } | undefined): void {
    this.failing.delete(placeOf(partition));
    if (this.failing.size > 0 || this.failure === null) return;
    const { since, failures } = this.failure;
    this.failure = null;
    this.logger.info({ since, failures }, 'deliveries succeed again');
  }

  gap(gap: ConsumerGap): void {
    this.listener.gap(this.name, gap);
  }

  private get state(): JobState {
    if (this.stopping.signal.aborted) return 'stopped';
    if (this.failure) return 'failing';
    if (this.isPaused) return 'paused';
    return this.isStarted ? 'running' : 'starting';
  }

  /** Opens a delivery, and replaces it whenever it fails to start or its consumer stops. */
  private async keepDelivering(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const delivery = this.openDelivery(this);
      this.delivery = delivery;
      try {
        if (this.isPaused) delivery.pause();
        await delivery.start();
        this.isStarted = true;
        failures = 0;
        this.recovered(undefined);
        this.logger.info({ sink: this.spec.sink.type, topics: this.spec.topics }, 'job started');
        await Promise.race([delivery.ended, aborted(signal)]);
      } catch (error) {
        if (!signal.aborted) this.failed(undefined, error as Error);
      }
      this.isStarted = false;
      this.delivery = undefined;
      await delivery[Symbol.asyncDispose]();
      // Its partitions are no longer assigned to this process.
      for (const place of this.failing) if (place !== START) this.failing.delete(place);
      await sleep(withJitter(backoffMs(failures, START_BACKOFF)), signal);
    }
  }
}

/** Resolves once the signal is aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return sleep(Infinity, signal);
}

function placeOf(partition: { readonly topic: string; readonly partition: number } | undefined): string {
  return partition ? partitionName(partition.topic, partition.partition) : START;
}
