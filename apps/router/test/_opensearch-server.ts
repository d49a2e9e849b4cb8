import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How a request fails: before it takes effect, after it, or with a status. It may also be slow. */
type RequestFault =
  'reset-before' | 'reset-after' | { readonly status: number } | { readonly delayMs: number };

interface ItemError {
  readonly status: number;
  readonly type: string;
  readonly reason: string;
}

interface StoredDocument {
  readonly version: number;
  readonly source: Readonly<Record<string, unknown>>;
  /** How often it was indexed. */
  readonly writes: number;
}

interface BulkAction {
  readonly _index: string;
  readonly _id: string;
  readonly version: number;
  readonly version_type: 'external';
}

/** A search cluster in memory: `_bulk` with index operations of external versions, and index templates. Requests and items can be made to fail. */
export class TestOpenSearchServer implements AsyncDisposable {
  /** By `index/id`. */
  readonly documents = new Map<string, StoredDocument>();
  readonly templates = new Map<string, unknown>();
  /** Number of operations of each bulk request that was answered. */
  readonly bulkSizes: number[] = [];
  /** `username:password`. @default any */
  credentials: string | undefined;
  maxBodyBytes = Infinity;
  /** Decides whether a request fails. @default never */
  fault: (path: string) => RequestFault | undefined = () => undefined;
  /** Decides whether an operation fails. @default never */
  itemFault: (source: StoredDocument['source']) => ItemError | undefined = () => undefined;

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      // A client may abort a request.
      this.serve(request, response).catch((error: unknown) => {
        if (!request.destroyed || request.complete) throw error;
      });
    });
  }

  static async start(): Promise<TestOpenSearchServer> {
    const server = createServer();
    const made = new TestOpenSearchServer(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const fault = this.fault(pathname);
    if (fault === 'reset-before') return void request.socket.destroy();
    if (fault === 'reset-after') response.end = () => response.destroy();
    else if (typeof fault === 'object') {
      if ('status' in fault) return send(response, fault.status, { error: { type: 'fault' } });
      await delay(fault.delayMs);
    }
    const expected = this.credentials && `Basic ${Buffer.from(this.credentials).toString('base64')}`;
    if (expected !== undefined && request.headers.authorization !== expected) {
      return send(response, 401, { error: { type: 'security_exception' } });
    }
    if (body.length > this.maxBodyBytes) return send(response, 413, {});
    this.answer(`${request.method} ${pathname}`, body.toString('utf8'), response);
  }

  private answer(call: string, body: string, response: ServerResponse): void {
    const template = /^PUT \/_index_template\/(.+)$/.exec(call)?.[1];
    if (call === 'GET /') return send(response, 200, { version: { distribution: 'opensearch' } });
    if (template !== undefined) {
      this.templates.set(decodeURIComponent(template), JSON.parse(body));
      return send(response, 200, { acknowledged: true });
    }
    if (call !== 'POST /_bulk') return send(response, 404, { error: { type: 'not_found' } });
    const lines = body.split('\n').slice(0, -1);
    const items = [];
    for (let line = 0; line < lines.length; line += 2) {
      const { index } = JSON.parse(lines[line]!) as { index: BulkAction };
      const source = JSON.parse(lines[line + 1]!) as StoredDocument['source'];
      items.push({ index: this.index(index, source) });
    }
    this.bulkSizes.push(items.length);
    send(response, 200, { took: 1, errors: items.some(({ index }) => index.status >= 300), items });
  }

  private index(
    { _index, _id, version }: BulkAction,
    source: StoredDocument['source'],
  ): { readonly status: number; readonly error?: { readonly type: string; readonly reason: string } } {
    const failure = this.itemFault(source);
    if (failure) {
      const { status, type, reason } = failure;
      return { status, error: { type, reason } };
    }
    const key = `${_index}/${_id}`;
    const stored = this.documents.get(key);
    if (stored && stored.version >= version) {
      const reason = `[${_id}]: version conflict, current version [${stored.version}] is higher or equal to the one provided [${version}]`;
      return { status: 409, error: { type: 'version_conflict_engine_exception', reason } };
    }
    this.documents.set(key, { version, source, writes: (stored?.writes ?? 0) + 1 });
    return { status: stored ? 200 : 201 };
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
