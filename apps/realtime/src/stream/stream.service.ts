import { randomInt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { LOGGER, ProblemError } from '@hailstream/nest';
import type { Logger } from '@hailstream/service/logging';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import type { ProviderFilter } from '../fold/city-state.js';
import { hasRoom } from '../limits/callers.js';
import { LiveService } from '../live/live.service.js';
import { LiveMetrics } from '../metrics/live-metrics.service.js';
import { SessionsService, type Caller } from '../sessions/sessions.service.js';
import { StreamClient, StreamRooms } from './stream-client.js';
import type { StreamRequest } from './stream-query.js';

/** Maximum number of streams of one process, and with one token. */
const MAX_STREAMS = 1_000;
export const MAX_STREAMS_PER_TOKEN = 20;

/** Less than half of the time after which servers and proxies commonly close silent connections. */
const HEARTBEAT_MS = 15_000;

/** How often the tokens of streams are verified: a stream ends this long after its token expired, at most. */
const TOKEN_CHECK_MS = 5_000;

/** Clients reconnect after a time in this range, so that they do not all do so at once. */
const RETRY_MS = { minimum: 1_000, maximum: 4_000 };

/** The streams of this process: clients of the live view, as sockets are. */
@Injectable()
export class StreamService implements OnModuleInit, OnModuleDestroy {
  private readonly rooms = new StreamRooms();
  private readonly callers = new Map<StreamClient, Caller>();
  private readonly logger: Logger;
  private timers: NodeJS.Timeout[] = [];
  private isClosed = false;

  constructor(
    private readonly live: LiveService,
    private readonly metrics: LiveMetrics,
    private readonly sessions: SessionsService,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.logger = logger.child({ component: 'stream' });
  }

  onModuleInit(): void {
    this.live.addRooms(this.rooms.send);
    this.sessions.onRevoked(() => void this.checkCallers());
    this.timers = [
      setInterval(() => this.beat(), HEARTBEAT_MS),
      setInterval(() => void this.checkCallers(), TOKEN_CHECK_MS),
    ];
  }

  /** Ends all streams, so that the server can close. */
  onModuleDestroy(): void {
    this.isClosed = true;
    for (const timer of this.timers) clearInterval(timer);
    for (const client of this.callers.keys()) client.end();
  }

  /** @throws ProblemError with status 429 or 503 if no further stream is possible */
  admit({ token, key }: Caller): void {
    if (this.isClosed) throw refusal(503, 'the service is shutting down');
    if (this.callers.size >= MAX_STREAMS) {
      throw refusal(503, `this process already serves ${MAX_STREAMS} streams`);
    }
    if (token === undefined) return;
    const open = [...this.callers.values()];
    const own = open.filter((other) => other.token === token).length;
    if (own >= MAX_STREAMS_PER_TOKEN) {
      throw refusal(429, `${MAX_STREAMS_PER_TOKEN} streams are already open with this token`);
    }
    const ownOfAllTokens = open.filter((other) => other.key === key).length;
    if (!hasRoom({ own: ownOfAllTokens, used: open.length, limit: MAX_STREAMS })) {
      throw refusal(429, `this caller already has ${ownOfAllTokens} streams, as many as are free for others`);
    }
  }

  /** Streams events to an admitted response until the client closes it. */
  open(
    response: ServerResponse,
    stream: StreamRequest & { readonly caller: Caller; readonly filter: ProviderFilter },
  ): void {
    const client = new StreamClient(response, this.rooms, (size) => this.metrics.countSentBytes(size));
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Otherwise, nginx collects events before it sends them.
      'x-accel-buffering': 'no',
    });
    response.on('error', (err) => this.logger.debug({ err }, 'stream failed'));
    response.on('close', () => {
      this.callers.delete(client);
      this.live.disconnect(client);
    });
    this.callers.set(client, stream.caller);
    client.write(Buffer.from(`retry: ${randomInt(RETRY_MS.minimum, RETRY_MS.maximum)}\n\n`));
    this.live.connect(client, stream.filter, { binary: false });
    this.live.viewport(client, stream.viewport);
    if (stream.watched !== null) this.live.watch(client, stream.watched);
  }

  private beat(): void {
    for (const client of this.callers.keys()) client.beat();
  }

  /** Ends streams whose token or session is no longer valid. */
  private async checkCallers(): Promise<void> {
    for (const [client, { isValid }] of this.callers) if (!(await isValid())) client.end();
  }
}

function refusal(status: 429 | 503, detail: string): ProblemError {
  const title = status === 429 ? 'Too Many Requests' : 'Service Unavailable';
  return new ProblemError({ status, title, detail, headers: { 'retry-after': '5' } });
}
