import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A bucket in memory, as far as the router uses S3: conditional writes, reads and a listing in one page. */
export async function startS3Stub(bucket: string): Promise<
  AsyncDisposable & {
    readonly endpoint: string;
    /** By key. */
    readonly objects: ReadonlyMap<string, Buffer>;
  }
> {
  const objects = new Map<string, Buffer>();
  const server = createServer((request, response) => {
    // A client may be killed in the middle of a request.
    serve(objects, bucket, request, response).catch((error: unknown) => {
      if (!request.destroyed || request.complete) throw error;
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function serve(
  objects: Map<string, Buffer>,
  bucket: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const [name, ...path] = decodeURIComponent(pathname.slice(1)).split('/');
  const key = path.join('/');
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const stored = objects.get(key);
  if (name !== bucket) return fail(response, 404, 'NoSuchBucket');
  if (key === '') return list(objects, searchParams.get('prefix') ?? '', response);
  if (request.method === 'PUT') {
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
    const isRefused =
      (ifNoneMatch === '*' && stored !== undefined) ||
      (ifMatch !== undefined && (stored === undefined || ifMatch !== etagOf(stored)));
    if (isRefused) return fail(response, 412, 'PreconditionFailed');
    const body = Buffer.concat(chunks);
    objects.set(key, body);
    return void response.setHeader('ETag', etagOf(body)).end();
  }
  if (stored === undefined) return fail(response, 404, 'NoSuchKey');
  response.setHeader('ETag', etagOf(stored)).setHeader('Content-Length', stored.length);
  response.end(request.method === 'HEAD' ? undefined : stored);
}

function list(objects: ReadonlyMap<string, Buffer>, prefix: string, response: ServerResponse): void {
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  const contents = keys.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
  sendXml(response, `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  sendXml(response, `<Error><Code>${code}</Code></Error>`);
}

function sendXml(response: ServerResponse, body: string): void {
  response.setHeader('Content-Type', 'application/xml').end(body);
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
