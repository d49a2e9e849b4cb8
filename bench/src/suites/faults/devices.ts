import { setTimeout as pause } from 'node:timers/promises';
import { build, type Histogram } from 'hdr-histogram-js';
import { Pool } from 'undici';
import type { Telemetry } from '@hailstream/events';
import { recordSince } from '../../harness/load.js';
import { TelemetrySource } from '../../harness/telemetry.js';

/** Longest until a device gives up on an answer, and asks again: somewhere else, as a proxy would have it. */
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = { first: 50, most: 1_000 };
const CONNECTIONS = 64;
/** Ten minutes: more than an outage here lasts. */
const HIGHEST_TRACKABLE_US = 600_000_000;
/** An event that waited no longer than this met nothing out of the ordinary. */
const ORDINARY_MS = 500;

/** What devices met for a while. */
export interface Weather {
  /** From when an event was to be sent to when the log had it, whatever was answered in between; in microseconds. */
  readonly latencies: Histogram;
  /** Requests that were answered with something else than 201, or not at all. Each was sent again. */
  readonly refusals: number;
  /** From the strike to the last event that waited out of the ordinary; in milliseconds. */
  readonly normalAfterMs: number;
}

/** Devices that send one event a request at a steady rate, to any ingest that answers, each until it is accepted. */
export class Devices implements AsyncDisposable {
  /** Ids of what was accepted. */
  readonly accepted = new Set<string>();
  readonly #source = new TelemetrySource();
  readonly #pools: readonly Pool[];
  #turn = 0;

  constructor(
    urls: readonly string[],
    private readonly options: { readonly token: string; readonly ratePerSecond: number },
  ) {
    this.#pools = urls.map(
      (url) => new Pool(url, { connections: CONNECTIONS, headersTimeout: ANSWER_TIMEOUT_MS }),
    );
  }

  /** Sends while something happens; resolves once all that was sent was accepted. */
  async sendDuring(happening: () => Promise<void>): Promise<Weather> {
    const spell = new Spell();
    const stop = new AbortController();
    const sending = this.#sendUntil(stop.signal, spell);
    try {
      await happening();
    } finally {
      stop.abort();
      await sending;
    }
    return spell;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }

  /** At a fixed rate, whether or not what was sent before was accepted. */
  async #sendUntil(stop: AbortSignal, spell: Spell): Promise<void> {
    const startedAt = performance.now();
    const waiting = new Set<Promise<void>>();
    for (let index = 0; !stop.aborted; index += 1) {
      const plannedAt = startedAt + (index * 1_000) / this.options.ratePerSecond;
      const early = plannedAt - performance.now();
      if (early > 0) await pause(early);
      const accepted = this.#untilAccepted(this.#source.next(), spell).then(() => {
        waiting.delete(accepted);
        spell.accepted(plannedAt);
      });
      waiting.add(accepted);
    }
    await Promise.all(waiting);
  }

  async #untilAccepted(event: Telemetry, spell: Spell): Promise<void> {
    for (let retryMs = RETRY_MS.first; ; retryMs = Math.min(2 * retryMs, RETRY_MS.most)) {
      if (await this.#isAccepted(event)) break;
      spell.refusals += 1;
      await pause(retryMs);
    }
    this.accepted.add(event.telemetry_id);
  }

  async #isAccepted(event: Telemetry): Promise<boolean> {
    this.#turn += 1;
    const pool = this.#pools[this.#turn % this.#pools.length] as Pool;
    try {
      const { statusCode, body } = await pool.request({
        method: 'POST',
        path: '/telemetry',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.options.token}` },
        body: JSON.stringify([event]),
      });
      await body.dump();
      return statusCode === 201;
    } catch {
      // No answer is not an acceptance: counted as a refusal, and sent again.
      return false;
    }
  }
}

class Spell implements Weather {
  readonly latencies = build({
    highestTrackableValue: HIGHEST_TRACKABLE_US,
    numberOfSignificantValueDigits: 3,
  });
  refusals = 0;
  readonly #beganAt = performance.now();
  #lastSlowAt: number | undefined;

  get normalAfterMs(): number {
    return this.#lastSlowAt === undefined ? 0 : this.#lastSlowAt - this.#beganAt;
  }

  accepted(plannedAt: number): void {
    recordSince(this.latencies, plannedAt);
    if (performance.now() - plannedAt > ORDINARY_MS) this.#lastSlowAt = performance.now();
  }
}
