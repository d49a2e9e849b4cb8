import type { Logger } from '@hailstream/nest';
import type { Outbox } from '../outbox/outbox.js';
import { familyNames } from '../outbox/outgoing.js';
import { STEP_MS, type SimulatedCity } from './city.js';

/** Most events that the devices keep while ingest is away. */
export interface KeepBounds {
  /** Telemetry points: then every second one goes, so that the past gets coarser the older it is. @default 200,000 */
  readonly telemetry: number;
  /** Other events, of each kind. None may be lost, so the city stands still until there is room. @default 100,000 */
  readonly events: number;
}

const DEFAULT_BOUNDS: KeepBounds = { telemetry: 200_000, events: 100_000 };

/** Longest that is made up for after the process was held up; the rest of the time is leapt over. */
const MAX_CATCH_UP_MS = 5_000;

const TELL_EVERY_MS = 60_000;

/** Longest that a stopping simulator waits for ingest to take what the devices still keep. */
const DRAIN_TIMEOUT_MS = 10_000;

export interface CityRunnerOptions {
  readonly city: SimulatedCity;
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly startMs: number;
  readonly bounds?: KeepBounds;
}

/** Runs a simulated city by the clock, and keeps what waits for ingest within bounds. */
export class CityRunner implements AsyncDisposable {
  readonly #city: SimulatedCity;
  readonly #outbox: Outbox;
  readonly #logger: Logger;
  readonly #bounds: KeepBounds;
  readonly #stepTimer: NodeJS.Timeout;
  readonly #tellTimer: NodeJS.Timeout;
  #cityMs: number;
  #isStanding = false;
  #isAhead = false;

  constructor({ city, outbox, logger, startMs, bounds = DEFAULT_BOUNDS }: CityRunnerOptions) {
    this.#bounds = bounds;
    this.#city = city;
    this.#outbox = outbox;
    this.#logger = logger;
    this.#cityMs = startMs;
    this.#stepTimer = setInterval(() => this.#catchUp(), STEP_MS);
    this.#tellTimer = setInterval(() => this.#tell(), TELL_EVERY_MS);
  }

  /** Ends the day of the city, and waits for ingest to take what that leaves. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#stepTimer);
    clearInterval(this.#tellTimer);
    this.#city.close(Math.max(Date.now(), this.#cityMs));
    await this.#outbox.whenAtMost(0, AbortSignal.timeout(DRAIN_TIMEOUT_MS));
    const waiting = this.#outbox.waiting();
    if (waiting > 0) this.#logger.error({ waiting }, 'events lost: ingest did not take them in time');
    this.#tell();
  }

  #catchUp(): void {
    const nowMs = Date.now();
    this.#keepBounds();
    this.#tellIfAhead(this.#cityMs - nowMs);
    if (this.#isStanding) return;
    if (nowMs - this.#cityMs > MAX_CATCH_UP_MS) this.#cityMs = nowMs - STEP_MS;
    while (this.#cityMs + STEP_MS <= nowMs) {
      this.#cityMs += STEP_MS;
      this.#city.step(this.#cityMs);
    }
  }

  /** The city waits for a clock that was set back: no device reports a time that it has reported before. */
  #tellIfAhead(aheadMs: number): void {
    if (aheadMs > MAX_CATCH_UP_MS === this.#isAhead) return;
    this.#isAhead = !this.#isAhead;
    if (this.#isAhead)
      this.#logger.warn({ aheadMs }, 'the clock was set back: the city stands still until then');
    else this.#logger.info('the city goes on: the clock has caught up');
  }

  #keepBounds(): void {
    if (this.#outbox.waiting('telemetry') > this.#bounds.telemetry) {
      const dropped = this.#outbox.thin('telemetry');
      this.#logger.warn(
        { dropped, waiting: this.#outbox.waiting() },
        'telemetry thinned: ingest is away for long',
      );
    }
    const isFull = familyNames.some(
      (kind) => kind !== 'telemetry' && this.#outbox.waiting(kind) > this.#bounds.events,
    );
    if (isFull === this.#isStanding) return;
    this.#isStanding = isFull;
    const fields = { waiting: this.#outbox.waiting() };
    if (isFull) this.#logger.warn(fields, 'the city stands still: too many events wait for ingest');
    else this.#logger.info(fields, 'the city goes on');
  }

  #tell(): void {
    this.#logger.info({ ...this.#outbox.counts, waiting: this.#outbox.waiting() }, 'events so far');
  }
}
