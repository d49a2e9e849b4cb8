import type { IncomingMessage, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';
import { answerPolling } from './polling.js';
import { isSameOrigin } from '../origins/same-origin.js';

/** Accepts WebSockets from pages of this service and of the allowed origins, and answers others with 403. */
export class LiveAdapter extends IoAdapter {
  constructor(
    app: INestApplication,
    private readonly allowedOrigins: readonly string[],
  ) {
    super(app);
  }

  override createIOServer(port: number, options?: ServerOptions): Server {
    const allowRequest: ServerOptions['allowRequest'] = ({ headers }, allow) =>
      allow(null, isSameOrigin(headers, this.allowedOrigins));
    const server = super.createIOServer(port, { ...options, allowRequest } as ServerOptions) as Server;
    server.engine.use(refusePolling);
    return server;
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
