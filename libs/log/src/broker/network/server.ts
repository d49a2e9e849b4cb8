import * as net from 'node:net';
import type { Logger } from 'pino';
import { Connection, type RequestRunner } from './connection.js';

/** The broker can't listen where it should. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly maxRequestBytes: () => number;
  readonly maxConnections: number;
  readonly idleMs: number;
}

/** The listening socket and the connections that came of it. */
export class BrokerServer {
  private readonly server = net.createServer({ noDelay: true });
  private readonly connections = new Set<Connection>();

  constructor(private readonly options: ServerOptions) {
    this.server.maxConnections = options.maxConnections;
  }

  /** Binds the port, so that it is known before anyone is served. @throws ListenError */
  async listen(): Promise<number> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
        reject(new ListenError(`cannot listen on ${host}:${port}: ${why}`, { cause }));
      });
      this.server.listen({ host, port }, resolve);
    });
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Serves those who connect. */
  serve(runner: RequestRunner): void {
    const { logger, maxRequestBytes, idleMs } = this.options;
    this.server.on('connection', (socket) => {
      const connection = new Connection({ socket, runner, logger, maxRequestBytes, idleMs });
      this.connections.add(connection);
      socket.once('close', () => this.connections.delete(connection));
    });
  }

  /** Lets what was asked be answered, at most so long, then closes everything. */
  async drain(withinMs: number): Promise<void> {
    this.server.close();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    await Promise.race([Promise.all([...this.connections].map((connection) => connection.drain())), late]);
    clearTimeout(timer);
    await this.destroy();
  }

  /** Closes everything at once. */
  async destroy(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      if (this.server.listening) this.server.close(() => resolve());
      else resolve();
    });
    for (const connection of this.connections) connection.destroy();
    await closed;
  }
}
