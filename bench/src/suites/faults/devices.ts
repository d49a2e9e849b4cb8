import { setTimeout as pause } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import { Pool } from 'undici';
import type { Telemetry } from '@hailstream/events';
import { newLatencies, recordSince } from '../../harness/latencies.js';
import { TelemetrySource } from '../../harness/telemetry.js';

/** Few: what they show is compared, again and again. At the rate of this suite, each sends every other second. */
const DEVICES = 100;
/** Longest until a device gives up on an answer, and asks again: somewhere else, as a proxy would have it. */
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = { first: 50, most: 1_000 };
const CONNECTIONS = 64;
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

export interface DevicesOptions {
  readonly urls: readonly string[];
  readonly token: string;
  readonly providerId: string;
  readonly ratePerSecond: number;
  readonly onAccepted: (event: Telemetry) => void;
}

/** Devices that send one event a request at a steady rate, to any ingest that answers, each until it is accepted. */
export class Devices implements AsyncDisposable {
  private readonly source: TelemetrySource;
  private readonly pools: readonly Pool[];
  private made = 0;

  constructor(private readonly options: DevicesOptions) {
    this.source = new TelemetrySource({ devices: DEVICES, providerId: options.providerId });
    this.pools = options.urls.map(
      (url) => new Pool(url, { connections: CONNECTIONS, headersTimeout: ANSWER_TIMEOUT_MS }),
    );
  }

  /** Sends while something happens; resolves once all that was sent was accepted. */
  async sendDuring(happening: () => Promise<void>): Promise<Weather> {
    const spell = new Spell();
    const stop = new AbortController();
    const sending = this.sendUntil(stop.signal, spell);
    try {
      await happening();
    } finally {
      stop.abort();
      await sending;
    }
    return spell;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.destroy()));
  }

  /** At a fixed rate, whether or not what was sent before was accepted. */
  private async sendUntil(stop: AbortSignal, spell: Spell): Promise<void> {
    const startedAt = performance.now();
    const waiting = new Set<Promise<void>>();
    for (let index = 0; !stop.aborted; index += 1) {
      const plannedAt = startedAt + (index * 1_000) / this.options.ratePerSecond;
      const early = plannedAt - performance.now();
      if (early > 0) await pause(early);
      const accepted = this.untilAccepted(this.source.next(), spell).then(() => {
        waiting.delete(accepted);
        spell.accepted(plannedAt);
      });
      waiting.add(accepted);
    }
    await Promise.all(waiting);
  }

  /** The ingests take turns, from event to event and from try to try. */
  private async untilAccepted(event: Telemetry, spell: Spell): Promise<void> {
    let turn = this.made++;
    for (let retryMs = RETRY_MS.first; ; retryMs = Math.min(2 * retryMs, RETRY_MS.most)) {
      if (await this.isAccepted(event, this.pools[turn++ % this.pools.length]!)) break;
      spell.refusals += 1;
      await pause(retryMs);
    }
    this.options.onAccepted(event);
  }

  private async isAccepted(event: Telemetry, pool: Pool): Promise<boolean> {
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
  readonly latencies = newLatencies();
  refusals = 0;
  private readonly beganAt = performance.now();
  private lastSlowAt: number | undefined;

  get normalAfterMs(): number {
    return this.lastSlowAt === undefined ? 0 : this.lastSlowAt - this.beganAt;
  }

  accepted(plannedAt: number): void {
    recordSince(this.latencies, plannedAt);
    if (performance.now() - plannedAt > ORDINARY_MS) this.lastSlowAt = performance.now();
  }
}
