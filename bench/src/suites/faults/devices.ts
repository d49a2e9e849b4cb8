import { setTimeout as pause } from 'node:timers/promises';
import type { Histogram } from 'hdr-histogram-js';
import { Pool } from 'undici';
import type { Telemetry } from '@hailstream/events';
import { newLatencies, recordSince } from '../../harness/latencies.js';
import { TelemetrySource } from '../../harness/telemetry.js';

/** Few, because their positions are compared repeatedly. At the rate of this suite, each sends every other second. */
const DEVICES = 100;
/** Time limit for a response. After it, a device sends the event to the next ingest process, as a proxy would. */
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = { first: 50, most: 1_000 };
const CONNECTIONS = 64;
/** Events that were accepted within this time were not delayed by a fault. */
const UNDELAYED_MS = 500;

/** How the events of the devices were accepted during a fault. */
export interface Acceptance {
  /** From the planned send time of an event to its acceptance, including all retries; in microseconds. */
  readonly latencies: Histogram;
  /** Requests with a response other than 201, or without a response. Each was retried. */
  readonly retries: number;
  /** From the start of the fault to the last event that it affected; in milliseconds. */
  readonly recoveredAfterMs: number;
}

interface DevicesOptions {
  readonly urls: readonly string[];
  readonly token: string;
  readonly providerId: string;
  readonly ratePerSecond: number;
  readonly onAccepted: (event: Telemetry) => void;
}

/** Devices that send one event per request at a fixed rate and retry it at the next ingest process until it is accepted. */
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

  /** Sends until `happening` ends. Resolves once all events that were sent are accepted. */
  async sendDuring(happening: () => Promise<void>): Promise<Acceptance> {
    const recorder = new AcceptanceRecorder();
    const stop = new AbortController();
    const sending = this.sendUntil(stop.signal, recorder);
    try {
      await happening();
    } finally {
      stop.abort();
      await sending;
    }
    return recorder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.pools.map((pool) => pool.destroy()));
  }

  /** Sends at a fixed rate, whether or not the events before were accepted. */
  private async sendUntil(stop: AbortSignal, recorder: AcceptanceRecorder): Promise<void> {
    const startedAt = performance.now();
    const waiting = new Set<Promise<void>>();
    for (let index = 0; !stop.aborted; index += 1) {
      const plannedAt = startedAt + (index * 1_000) / this.options.ratePerSecond;
      const early = plannedAt - performance.now();
      if (early > 0) await pause(early);
      const accepted = this.untilAccepted(this.source.next(), recorder).then(() => {
        waiting.delete(accepted);
        recorder.accepted(plannedAt);
      });
      waiting.add(accepted);
    }
    await Promise.all(waiting);
  }

  /** Sends an event until it is accepted, to the ingest processes in turn. */
  private async untilAccepted(event: Telemetry, recorder: AcceptanceRecorder): Promise<void> {
    let turn = this.made++;
    for (let retryMs = RETRY_MS.first; ; retryMs = Math.min(2 * retryMs, RETRY_MS.most)) {
      if (await this.isAccepted(event, this.pools[turn++ % this.pools.length]!)) break;
      recorder.retries += 1;
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
      // Without a response the event counts as refused, and is sent again.
      return false;
    }
  }
}

class AcceptanceRecorder implements Acceptance {
  readonly latencies = newLatencies();
  retries = 0;
  private readonly beganAt = performance.now();
  private lastSlowAt: number | undefined;

  get recoveredAfterMs(): number {
    return this.lastSlowAt === undefined ? 0 : this.lastSlowAt - this.beganAt;
  }

  accepted(plannedAt: number): void {
    recordSince(this.latencies, plannedAt);
    if (performance.now() - plannedAt > UNDELAYED_MS) this.lastSlowAt = performance.now();
  }
}
