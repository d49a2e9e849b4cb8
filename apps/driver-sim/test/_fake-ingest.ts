import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One received event and its path. */
interface Received {
  readonly path: string;
  readonly item: Record<string, unknown>;
}

/** How a request is handled: what is stored, and what the client receives. */
type Treatment =
  | { readonly kind: 'take' }
  /** The items are stored, but the response is lost. */
  | { readonly kind: 'lose-answer' }
  /** Nothing is stored, and the connection is closed. */
  | { readonly kind: 'break' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Some items fail, the others are stored. */
  | { readonly kind: 'fail-items'; readonly error: (item: Record<string, unknown>) => string | undefined };

/** An ingest service over HTTP with a list as its log, which can fail, lose responses and stop. */
export class FakeIngest implements AsyncDisposable {
  /** Stored events in order of arrival, including repeated ones. */
  readonly log: Received[] = [];
  /** All requests with their time of arrival. */
  readonly requests: { readonly path: string; readonly count: number; readonly at: number }[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** Called for every request, with its number from 0. */
  treat: (requestNumber: number) => Treatment = () => ({ kind: 'take' });
  /** Delay of every response. */
  delayMs = 0;
  private server: Server | undefined;
  private port = 0;

  static async start(): Promise<FakeIngest> {
    const ingest = new FakeIngest();
    await ingest.up();
    return ingest;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}`);
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Stops at once, as if killed. */
  async down(): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  /** Returns the first event of each id, of one path or of all. */
  distinct(idField: string, path?: string): Record<string, unknown>[] {
    const entries = this.log.filter((entry) => path === undefined || entry.path === path);
    return [...new Map(entries.toReversed().map(({ item }) => [item[idField], item])).values()].toReversed();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The connection was closed by the client or by this server.
      return;
    }
    const items = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>[];
    const path = request.url ?? '';
    if (this.delayMs > 0) await sleep(this.delayMs);
    const treatment = this.treat(this.requests.length);
    this.requests.push({ path, count: items.length, at: Date.now() });
    this.authorizations.add(request.headers.authorization);
    switch (treatment.kind) {
      case 'break':
        request.socket.destroy();
        return;
      case 'status':
        response.writeHead(treatment.status, {
          'content-type': 'application/problem+json',
          ...(treatment.retryAfter !== undefined && { 'retry-after': treatment.retryAfter }),
        });
        response.end(
          JSON.stringify({ title: 'Simulated failure', detail: 'by the test', status: treatment.status }),
        );
        return;
      case 'lose-answer':
        this.log.push(...items.map((item) => ({ path, item })));
        request.socket.destroy();
        return;
      case 'take':
        this.answer(response, path, items, () => undefined);
        return;
      case 'fail-items':
        this.answer(response, path, items, treatment.error);
    }
  }

  private answer(
    response: ServerResponse,
    path: string,
    items: Record<string, unknown>[],
    errorOf: (item: Record<string, unknown>) => string | undefined,
  ): void {
    const failures = items.flatMap((item) => {
      const error = errorOf(item);
      return error === undefined
        ? []
        : [{ item, error, error_description: 'simulated failure', error_details: ['by the test'] }];
    });
    const failed = new Set(failures.map(({ item }) => item));
    this.log.push(...items.filter((item) => !failed.has(item)).map((item) => ({ path, item })));
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: items.length - failures.length, total: items.length, failures }));
  }
}
