import type { INestApplication } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import type { Server, ServerOptions } from 'socket.io';
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
    return super.createIOServer(port, { ...options, allowRequest } as ServerOptions) as Server;
  }
}
