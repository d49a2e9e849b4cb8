import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One event as it came in, with the path it came to. */
export interface Received {
  readonly path: string;
  readonly item: Record<string, unknown>;
}

/** How one request is treated: what the log does with its items, and what the client gets to see of it. */
export type Treatment =
  | { readonly kind: 'take' }
  /** The log has the items, but the answer never arrives. */
  | { readonly kind: 'lose-answer' }
  /** Nothing is taken; the connection breaks. */
  | { readonly kind: 'break' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Some items fail, the others are taken. */
  | { readonly kind: 'fail-items'; readonly error: (item: Record<string, unknown>) => string | undefined };

/** An ingest service over real HTTP whose log is a list, and that can be told to fail, lose answers and go away. */
export class FakeIngest implements AsyncDisposable {
  /** What the log has, in the order it got it; what was sent again is there again. */
  readonly log: Received[] = [];
  /** Requests that came, whatever became of them, with the time they came at. */
  readonly requests: { readonly path: string; readonly count: number; readonly at: number }[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** Called for every request, with its number from 0. */
  treat: (requestNumber: number) => Treatment = () => ({ kind: 'take' });
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

  /** Listens; at the port it had before, where it was up before. */
  async up(): Promise<void> {
    const server = createServer((request, response) => void this.handle(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    this.server = server;
  }

  /** Is gone at once, as if killed. */
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

  /** The log without what is there again: the first of each id counts. */
  distinct(idField: string): Record<string, unknown>[] {
    return [...new Map(this.log.toReversed().map(({ item }) => [item[idField], item])).values()].toReversed();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The client went away, or this server did: there is nobody to answer.
      return;
    }
    const items = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>[];
    const path = request.url ?? '';
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
        response.end(JSON.stringify({ title: 'Told to', detail: 'by the test', status: treatment.status }));
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
        : [{ item, error, error_description: 'told to', error_details: ['by the test'] }];
    });
    const failed = new Set(failures.map(({ item }) => item));
    this.log.push(...items.filter((item) => !failed.has(item)).map((item) => ({ path, item })));
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ success: items.length - failures.length, total: items.length, failures }));
  }
}
