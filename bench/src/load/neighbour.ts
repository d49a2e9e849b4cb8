import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { Pool } from 'undici';
import { newLatencies, recordMs, recordSince } from '../harness/latencies.js';
import { percentiles, type Experience } from '../harness/report.js';
import { eventId } from './numbered-events.js';

/*
 * A provider that sends events at a rate and has pages open, in a process of its own: what the parent does must not delay it.
 * Between the messages `begin` and `end` of the parent it measures, and answers with an `Experience`. After the message `stop`, it
 * sends nothing more, and answers with `SentEvents` once all requests are acknowledged.
 */

/** What a neighbour does. */
export interface NeighbourLoad {
  readonly ingestUrl: string;
  readonly realtimeUrl: string;
  readonly providerId: string;
  readonly writeToken: string;
  readonly readToken: string;
  readonly requestsPerSecond: number;
  readonly eventsPerRequest: number;
  readonly vehicles: number;
  /** Sockets that receive the frames of all of its vehicles. */
  readonly pages: number;
  /** Requests for its vehicles. */
  readonly readsPerSecond: number;
}

/** The events of a neighbour. Event n has the id `eventId(n)`. */
export interface SentEvents {
  /** Numbers below this were sent. */
  readonly sent: number;
  /** Byte n is 1 if event n was acknowledged; in base64. */
  readonly acknowledged: string;
}

const CONNECTIONS = 16;
/** A refused request is sent again after this, as often as necessary. */
const AGAIN_AFTER_MS = 1_000;
const VIEWPORT = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

async function run(load: NeighbourLoad): Promise<void> {
  const { realtimeUrl, readToken, requestsPerSecond, readsPerSecond } = load;
  let acknowledged = newLatencies();
  let frames = newLatencies();
  let refused = 0;
  let disconnected = false;
  let isStopped = false;
  const underWay = new Set<Promise<void>>();
  const sender = new Sender(load, () => (refused += 1));
  // If the parent is killed, nobody stops the load.
  process.on('disconnect', () => process.exit());

  for (let page = 0; page < load.pages; page += 1) {
    const socket = io(realtimeUrl, { transports: ['websocket'], forceNew: true, auth: { token: readToken } });
    let lastFrameAt = performance.now();
    socket.on('connect', () => socket.emit('viewport', VIEWPORT));
    socket.on('disconnect', () => (disconnected = true));
    socket.on('frame', () => {
      recordSince(frames, lastFrameAt);
      lastFrameAt = performance.now();
    });
    process.on('message', (message) => {
      // A frame that is overdue counts with the time that has passed.
      if (message === 'end') recordMs(frames, performance.now() - lastFrameAt);
    });
  }

  process.on('message', (message) => {
    if (message === 'begin') {
      acknowledged = newLatencies();
      frames = newLatencies();
      refused = 0;
      disconnected = false;
    } else if (message === 'end') {
      const experience: Experience = {
        acknowledged: percentiles(acknowledged),
        refused,
        frameGap: percentiles(frames),
        disconnected,
      };
      process.send?.(experience);
    } else if (message === 'stop') {
      isStopped = true;
      void Promise.all(underWay).then(() => process.send?.(sender.events()));
    }
  });

  if (readsPerSecond > 0) void read(load, () => isStopped);
  const startedAt = performance.now();
  for (let index = 0; ; index += 1) {
    const plannedAt = startedAt + (index * 1_000) / requestsPerSecond;
    await pause(Math.max(0, plannedAt - performance.now()));
    if (isStopped) break;
    const request = sender.send(index).then(() => {
      recordSince(acknowledged, plannedAt);
      underWay.delete(request);
    });
    underWay.add(request);
  }
}

/** Sends events, and records which are acknowledged. */
class Sender {
  private readonly pool: Pool;
  private readonly devices: readonly string[];
  private acknowledged = new Uint8Array(1 << 16);
  private sent = 0;

  constructor(
    private readonly load: NeighbourLoad,
    private readonly onRefused: () => void,
  ) {
    this.pool = new Pool(load.ingestUrl, { connections: CONNECTIONS });
    this.devices = Array.from({ length: load.vehicles }, () => randomUUID());
  }

  /** Resolves once the events of this request are acknowledged. */
  async send(index: number): Promise<void> {
    const { eventsPerRequest } = this.load;
    const first = index * eventsPerRequest;
    this.sent = first + eventsPerRequest;
    const body = JSON.stringify(
      Array.from({ length: eventsPerRequest }, (_, each) => this.event(first + each)),
    );
    while (!(await this.isAccepted(body))) {
      this.onRefused();
      await pause(AGAIN_AFTER_MS);
    }
    if (this.acknowledged.length < this.sent) {
      const grown = new Uint8Array(this.sent * 2);
      grown.set(this.acknowledged);
      this.acknowledged = grown;
    }
    this.acknowledged.fill(1, first, first + eventsPerRequest);
  }

  events(): SentEvents {
    const bytes = Buffer.from(this.acknowledged.subarray(0, this.sent));
    return { sent: this.sent, acknowledged: bytes.toString('base64') };
  }

  private event(number: number): object {
    return {
      device_id: this.devices[number % this.devices.length],
      telemetry_id: eventId(number),
      provider_id: this.load.providerId,
      timestamp: Date.now(),
      location: { lat: 43.73 + Math.random() / 100, lng: 7.42 + Math.random() / 100, heading: 10, speed: 5 },
    };
  }

  private async isAccepted(body: string): Promise<boolean> {
    try {
      const { statusCode, body: answer } = await this.pool.request({
        method: 'POST',
        path: '/telemetry',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${this.load.writeToken}` },
        body,
      });
      const text = await answer.text();
      if (statusCode !== 201) return false;
      return (JSON.parse(text) as { success: number }).success === this.load.eventsPerRequest;
    } catch {
      // A connection that was closed without a response.
      return false;
    }
  }
}

/** Requests the vehicles again and again; a failed request is repeated by the next one. */
async function read({ realtimeUrl, readToken, readsPerSecond }: NeighbourLoad, isStopped: () => boolean) {
  while (!isStopped()) {
    await fetch(`${realtimeUrl}/vehicles`, { headers: { authorization: `Bearer ${readToken}` } })
      .then((response) => response.arrayBuffer())
      .catch(() => undefined);
    await pause(1_000 / readsPerSecond);
  }
}

await run(JSON.parse(process.argv[2] ?? '') as NeighbourLoad);
