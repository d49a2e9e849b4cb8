import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopbackAuthority } from '@hailstream/service/loopback';
import type { Registry } from 'prom-client';
import { ListenError } from '../network/server.js';

/** Loopback only: metrics contain names of topics and groups, and are served without authentication. */
const HOST = '127.0.0.1';

/** Readiness checks by name. A check throws if the broker is not ready. */
export type ReadinessChecks = Readonly<Record<string, () => void>>;

/** Serves `GET /metrics`, `/health/live` and `/health/ready`. */
export class MetricsServer implements AsyncDisposable {
  private readonly server = http.createServer((request, response) => {
    this.answer(request, response).catch((error: unknown) => {
      send(response, 500, 'text/plain', `${(error as Error).message}\n`);
    });
  });

  constructor(
    private readonly registry: Registry,
    private readonly checks: ReadinessChecks,
  ) {}

  /** @returns the base URL. @throws ListenError */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (cause: NodeJS.ErrnoException) => {
        const why = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
        reject(new ListenError(`cannot listen on ${HOST}:${port}: ${why} (metrics.port)`, { cause }));
      });
      this.server.listen({ host: HOST, port }, resolve);
    });
    return `http://${HOST}:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(
    { method, url, headers }: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<void> {
    // A web site whose host name resolves to this address (DNS rebinding) sends that name.
    if (headers.host !== undefined && !isLoopbackAuthority(headers.host))
      return send(response, 421, 'text/plain', 'the host must be a loopback address or localhost\n');
    if (method !== 'GET' && method !== 'HEAD')
      return send(response, 405, 'text/plain', 'method not allowed, expected GET\n');
    switch (url?.split('?')[0]) {
      case '/metrics':
        return send(response, 200, this.registry.contentType, await this.registry.metrics());
      case '/health/live':
        return sendJson(response, 200, { status: 'ok' });
      case '/health/ready': {
        const readiness = readinessOf(this.checks);
        return sendJson(response, readiness.status === 'ok' ? 200 : 503, readiness);
      }
      default:
        return send(
          response,
          404,
          'text/plain',
          'not found: the paths are /metrics, /health/live and /health/ready\n',
        );
    }
  }
}

function readinessOf(checks: ReadinessChecks): { status: string; checks: object } {
  const results = Object.entries(checks).map(([name, check]) => {
    try {
      check();
      return [name, { status: 'ok' }] as const;
    } catch (error) {
      return [name, { status: 'error', reason: (error as Error).message }] as const;
    }
  });
  const status = results.every(([, result]) => result.status === 'ok') ? 'ok' : 'error';
  return { status, checks: Object.fromEntries(results) };
}

function sendJson(response: http.ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', JSON.stringify(body));
}

function send(response: http.ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}
