import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * How a request fails: before it takes effect, after it, or with a status. It may also be slow, or find that another
 * process has just stored the same object.
 */
export type S3Fault =
  | 'reset-before'
  | 'reset-after'
  | 'stored-by-another'
  | { readonly status: number; readonly code: string }
  | { readonly delayMs: number };

export interface S3Request {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * An object store with one bucket in memory: PutObject and CompleteMultipartUpload with conditions, GetObject, HeadObject, DeleteObject,
 * HeadBucket, ListObjectsV2, multipart uploads and their list. It checks no signatures. Requests can be made to fail.
 */
export class TestS3Server implements AsyncDisposable {
  readonly objects = new Map<string, StoredObject>();
  readonly requests: S3Request[] = [];
  /** Uploads that are neither completed nor aborted. */
  readonly uploads = new Map<
    string,
    { readonly key: string; readonly parts: Map<number, Buffer>; readonly metadata: StoredObject['metadata'] }
  >();
  /** Decides whether a request fails. @default never */
  fault: (request: S3Request) => S3Fault | undefined = () => undefined;

  private constructor(
    private readonly server: Server,
    readonly bucket: string,
  ) {
    server.on('request', (request, response) => {
      // A client may be killed in the middle of a request.
      this.serve(request, response).catch((error: unknown) => {
        if (!request.destroyed || request.complete) throw error;
      });
    });
  }

  static async start(bucket = 'ride'): Promise<TestS3Server> {
    const server = createServer();
    const made = new TestS3Server(server, bucket);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.endpoint);
    const [bucket = '', ...path] = decodeURIComponent(url.pathname.slice(1)).split('/');
    const made: S3Request = { method: request.method ?? '', key: path.join('/'), query: url.searchParams };
    this.requests.push(made);
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const fault = this.fault(made);
    if (fault === 'reset-before') return void request.socket.destroy();
    if (typeof fault === 'object') {
      if ('status' in fault) return fail(response, fault.status, fault.code);
      await delay(fault.delayMs);
    }
    if (bucket !== this.bucket) return fail(response, 404, 'NoSuchBucket');
    if (fault === 'reset-after') response.end = () => response.destroy();
    if (
      fault === 'stored-by-another' &&
      !made.query.has('uploadId') &&
      conditionHolds(request, this.objects.get(made.key))
    )
      this.store(made.key, request, Buffer.concat(body));
    this.answer(made, request, Buffer.concat(body), response);
  }

  private answer(made: S3Request, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const { method, key, query } = made;
    const object = this.objects.get(key);
    const uploadId = query.get('uploadId') ?? '';
    if (method === 'HEAD' && key === '') return void response.end();
    if (method === 'GET' && query.has('uploads')) return this.listUploads(query, response);
    if (method === 'GET' && key === '') return this.list(query, response);
    if (method === 'POST' && query.has('uploads')) {
      const id = randomUUID();
      this.uploads.set(id, { key, parts: new Map(), metadata: metadataOf(request) });
      return xml(
        response,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (uploadId !== '') return this.answerUpload(made, request, body, response);
    if (method === 'PUT') {
      if (!conditionHolds(request, object)) return fail(response, 412, 'PreconditionFailed');
      response.setHeader('ETag', this.store(key, request, body).etag);
      return void response.end();
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (object === undefined) return fail(response, 404, 'NoSuchKey');
    response.setHeader('ETag', object.etag);
    response.setHeader('Content-Length', object.bytes.length);
    for (const [name, value] of Object.entries(object.metadata))
      response.setHeader(`x-amz-meta-${name}`, value);
    response.end(method === 'HEAD' ? undefined : object.bytes);
  }

  private store(key: string, request: IncomingMessage, body: Buffer): StoredObject {
    const stored = { bytes: body, etag: etagOf(body), metadata: metadataOf(request) };
    this.objects.set(key, stored);
    return stored;
  }

  private answerUpload(
    made: S3Request,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): void {
    const { method, key, query } = made;
    const id = query.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    if (upload === undefined) return fail(response, 404, 'NoSuchUpload');
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body);
      response.setHeader('ETag', etagOf(body));
      return void response.end();
    }
    if (method === 'DELETE') {
      this.uploads.delete(id);
      return void response.writeHead(204).end();
    }
    if (!conditionHolds(request, this.objects.get(key))) return fail(response, 412, 'PreconditionFailed');
    const parts = [...upload.parts].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes);
    const bytes = Buffer.concat(parts);
    const etag = `"${etagOf(bytes).slice(1, -1)}-${parts.length}"`;
    this.objects.set(key, { bytes, etag, metadata: upload.metadata });
    this.uploads.delete(id);
    xml(
      response,
      `<CompleteMultipartUploadResult><Key>${key}</Key><ETag>${etag}</ETag></CompleteMultipartUploadResult>`,
    );
  }

  private listUploads(query: URLSearchParams, response: ServerResponse): void {
    const uploads = [...this.uploads]
      .filter(([, { key }]) => key.startsWith(query.get('prefix') ?? ''))
      .map(([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`);
    xml(
      response,
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`,
    );
  }

  /** Pages of 100 keys, so that tests have several. */
  private list(query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
    const page = keys.slice(0, 100);
    const next =
      keys.length > page.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : '';
    const contents = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join('');
    xml(
      response,
      `<ListBucketResult><IsTruncated>${next !== ''}</IsTruncated>${next}${contents}</ListBucketResult>`,
    );
  }
}

function conditionHolds(request: IncomingMessage, object: StoredObject | undefined): boolean {
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
  if (ifNoneMatch === '*' && object !== undefined) return false;
  return ifMatch === undefined || ifMatch === object?.etag;
}

function metadataOf(request: IncomingMessage): Record<string, string> {
  const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(
    headers.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]),
  );
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function xml(response: ServerResponse, body: string): void {
  response.setHeader('Content-Type', 'application/xml');
  response.end(`<?xml version="1.0" encoding="UTF-8"?>${body}`);
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  xml(response, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}
