import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';
import type { Turnstile } from './turnstile.js';
import { answerPolling } from './polling.js';
import { isSameOrigin } from '@hailstream/service/same-origin';

const BUSY = 'too many clients are connecting';

/**
 * Accepts WebSockets from pages of this service and of the allowed origins, a bounded number per tick, of several addresses
 * in turn, and refuses others with an HTTP error.
 */
export class LiveAdapter extends IoAdapter {
  constructor(
    app: INestApplication,
    private readonly allowedOrigins: readonly string[],
    private readonly handshakes: Turnstile,
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const allowRequest: ServerOptions['allowRequest'] = (request, allow) => {
      if (!isSameOrigin(request.headers, this.allowedOrigins)) allow(null, false);
      else this.admit(request, allow);
    };
    const server = super.createIOServer(port, { ...options, allowRequest } as ServerOptions) as Server;
    server.engine.use(refusePolling);
    return server;
  }

  private admit(
    { socket }: IncomingMessage,
    allow: (error: string | null, isAllowed: boolean) => void,
  ): void {
    // Nothing else listens while it waits, and an error without a listener would end the process.
    const ignore = (): void => undefined;
    socket.on('error', ignore);
    const enter = (): void => {
      allow(null, true);
      socket.off('error', ignore);
    };
    const of = socket.remoteAddress ?? '';
    if (!this.handshakes.request({ of, isGone: () => socket.destroyed, enter })) allow(BUSY, false);
  }
}

/** A middleware of engine.io: answers requests of the transport `polling`. */
function refusePolling(request: PolledRequest, response: ServerResponse, next: () => void): void {
  const { transport, sid, EIO } = request._query;
  if (transport !== 'polling') {
    next();
    return;
  }
  const { status, body } = answerPolling({ protocol: EIO, hasSession: sid !== undefined });
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(body);
}

/** engine.io adds the parsed query. */
type PolledRequest = IncomingMessage & { readonly _query: Readonly<Record<string, unknown>> };
