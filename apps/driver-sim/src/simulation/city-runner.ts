import type { Logger } from '@hailstream/service/logging';
import { familyNames, type Outbox } from '../outbox/outbox.js';
import { STEP_MS, type SimulatedCity } from './city.js';

/** Maximum number of events that wait for ingest. */
interface QueueLimits {
  /** Telemetry points. Beyond that, every second point is dropped, so that older data is coarser. @default 200,000 */
  readonly telemetry: number;
  /** Telemetry points while ingest is available. Beyond that, the simulation waits instead. @default 50,000 */
  readonly telemetryIfAvailable: number;
  /** Events of each other family. Beyond that, the simulation pauses: these are never dropped. @default 100,000 */
  readonly events: number;
}

const DEFAULT_BOUNDS: QueueLimits = { telemetry: 200_000, telemetryIfAvailable: 50_000, events: 100_000 };

/** Maximum simulated time to catch up after a delay; earlier time is skipped. */
const MAX_CATCH_UP_MS = 5_000;

/** Maximum time of computing steps without a pause: requests and responses are processed in the pauses. */
const MAX_TURN_MS = 50;

/** If computing steps takes a larger share of the time, the simulator is too slow; otherwise it did not run. */
const SLOW_COMPUTING_SHARE = 0.5;

const LOG_EVERY_MS = 60_000;

/** Shutdown timeout for waiting events. */
const DRAIN_TIMEOUT_MS = 10_000;

interface CityRunnerOptions {
  readonly cities: readonly SimulatedCity[];
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly startMs: number;
  readonly bounds?: QueueLimits;
}

/** Runs simulated cities in real time and limits the number of events that wait for ingest. */
export class CityRunner implements AsyncDisposable {
  private readonly cities: readonly SimulatedCity[];
  private readonly outbox: Outbox;
  private readonly logger: Logger;
  private readonly bounds: QueueLimits;
  private readonly stepTimer: NodeJS.Timeout;
  private readonly logTimer: NodeJS.Timeout;
  private cityMs: number;
  private isPaused = false;
  private isAhead = false;
  private nextTurn: NodeJS.Immediate | undefined;
  private skippedMs = 0;
  /** Since the simulated time was last the current time. */
  private delay: { readonly sinceMs: number; computingMs: number; hasWaited: boolean };

  constructor({ cities, outbox, logger, startMs, bounds = DEFAULT_BOUNDS }: CityRunnerOptions) {
    this.bounds = bounds;
    this.cities = cities;
    this.outbox = outbox;
    this.logger = logger;
    this.cityMs = startMs;
    this.delay = noDelay();
    this.stepTimer = setInterval(() => this.catchUp(), STEP_MS);
    this.logTimer = setInterval(() => this.logCounts(), LOG_EVERY_MS);
  }

  /** Ends the simulation, and waits until ingest has accepted the remaining events. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.stepTimer);
    clearInterval(this.logTimer);
    clearImmediate(this.nextTurn);
    for (const city of this.cities) city.close(Math.max(Date.now(), this.cityMs));
    await this.outbox.whenAtMost(0, AbortSignal.timeout(DRAIN_TIMEOUT_MS));
    const waiting = this.outbox.waiting();
    if (waiting > 0)
      this.logger.error({ waiting }, 'events lost, ingest did not accept them before the shutdown timeout');
    this.logCounts();
  }

  private catchUp(): void {
    const nowMs = Date.now();
    this.enforceLimits();
    this.logIfAhead(this.cityMs - nowMs);
    if (this.isPaused) return;
    if (nowMs - this.cityMs > MAX_CATCH_UP_MS) this.skipTo(nowMs - STEP_MS);
    const startedAt = performance.now();
    while (this.cityMs + STEP_MS <= nowMs) {
      const isWaiting = this.isIngestSlow();
      this.delay.hasWaited ||= isWaiting;
      if (isWaiting) break;
      if (performance.now() - startedAt >= MAX_TURN_MS) {
        clearImmediate(this.nextTurn);
        this.nextTurn = setImmediate(() => this.catchUp());
        break;
      }
      this.cityMs += STEP_MS;
      for (const city of this.cities) city.step(this.cityMs);
    }
    this.delay.computingMs += performance.now() - startedAt;
    if (this.cityMs + STEP_MS > nowMs) this.delay = noDelay();
  }

  /** While ingest is available, the simulation is not faster than ingest. */
  private isIngestSlow(): boolean {
    if (this.outbox.isUnavailable) return false;
    return this.outbox.waiting('telemetry') > this.bounds.telemetryIfAvailable;
  }

  private skipTo(cityMs: number): void {
    const skippedMs = cityMs - this.cityMs;
    this.cityMs = cityMs;
    this.skippedMs += skippedMs;
    const { sinceMs, computingMs, hasWaited } = this.delay;
    const isComputing = computingMs > (performance.now() - sinceMs) * SLOW_COMPUTING_SHARE;
    this.delay = noDelay();
    const fields = { skippedMs, waiting: this.outbox.waiting() };
    if (isComputing)
      this.logger.warn(
        fields,
        'simulation is slower than real time: the simulator cannot compute this many vehicles, reduce --vehicles',
      );
    else if (hasWaited)
      this.logger.warn(
        fields,
        'simulation is slower than real time: ingest accepts too few events per second',
      );
    else this.logger.warn(fields, 'process did not run, simulation continues at the current time');
  }

  /** The simulation waits if the system clock is set back, so that no device reports a time twice. */
  private logIfAhead(aheadMs: number): void {
    if (aheadMs > MAX_CATCH_UP_MS === this.isAhead) return;
    this.isAhead = !this.isAhead;
    if (this.isAhead)
      this.logger.warn({ aheadMs }, 'system clock was set back, simulation paused until it catches up');
    else this.logger.info('system clock has caught up, simulation resumed');
  }

  private enforceLimits(): void {
    if (this.outbox.waiting('telemetry') > this.bounds.telemetry) {
      const dropped = this.outbox.thin('telemetry');
      this.logger.warn(
        { dropped, waiting: this.outbox.waiting() },
        'telemetry thinned, too many events are waiting for ingest',
      );
    }
    const isFull = familyNames.some(
      (family) => family !== 'telemetry' && this.outbox.waiting(family) > this.bounds.events,
    );
    if (isFull === this.isPaused) return;
    this.isPaused = isFull;
    const fields = { waiting: this.outbox.waiting() };
    if (isFull) this.logger.warn(fields, 'simulation paused, too many events are waiting for ingest');
    else this.logger.info(fields, 'simulation resumed');
  }

  private logCounts(): void {
    const { skippedMs } = this;
    this.logger.info({ ...this.outbox.counts, waiting: this.outbox.waiting(), skippedMs }, 'events so far');
  }
}

function noDelay(): { sinceMs: number; computingMs: number; hasWaited: boolean } {
  return { sinceMs: performance.now(), computingMs: 0, hasWaited: false };
}
