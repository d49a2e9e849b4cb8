import { Pool } from 'undici';
import type { IngestToken } from '../ingest-token.js';

/** Request timeout. Ingest answers only after the log has stored the events. */
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 3_000;

/** Errors of valid items. Any other error rejects the item. */
const RETRYABLE_ERRORS: ReadonlySet<string> = new Set(['retryable']);

/** Why one event was not accepted. The event is identified by its index in the request, or by its content. */
export interface ItemFailure {
  readonly event: { readonly index: number } | { readonly item: object };
  readonly retryable: boolean;
  readonly reason: string;
}

/** Result of a request: a result for each event, a temporary failure, or a refusal of all such requests. */
export type Answer =
  | { readonly kind: 'processed'; readonly failures: readonly ItemFailure[] }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly kind: 'refused'; readonly reason: string };

interface IngestClientOptions {
  readonly url: URL;
  readonly token: IngestToken;
  readonly maxConnections: number;
}

/** Posts events to ingest in the bulk format of MDS Agency. */
export class IngestClient implements AsyncDisposable {
  private readonly pool: Pool;
  private readonly basePath: string;
  private readonly token: IngestToken;

  constructor(options: IngestClientOptions) {
    this.pool = new Pool(options.url.origin, {
      connections: options.maxConnections,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    });
    this.basePath = options.url.pathname.replace(/\/$/, '');
    this.token = options.token;
  }

  /** Posts a JSON array of items. Does not throw: errors are returned as answers. */
  async post(path: string, body: string): Promise<Answer> {
    const route = `${this.basePath}${path}`;
    try {
      const token = await this.token.current();
      const response = await this.pool.request({
        method: 'POST',
        path: route,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body,
      });
      const text = await response.body.text();
      const answer = readAnswer({
        route: `POST ${route}`,
        status: response.statusCode,
        retryAfter: response.headers['retry-after'],
        text,
      });
      // The token has expired if the machine was suspended: another one is on its way.
      if (response.statusCode !== 401 || !this.token.isReplaced || answer.kind !== 'refused') return answer;
      return { kind: 'unavailable', reason: answer.reason, retryAfterMs: 0 };
    } catch (error) {
      return { kind: 'unavailable', reason: describe(error), retryAfterMs: 0 };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.destroy();
  }
}

interface RawAnswer {
  readonly route: string;
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly text: string;
}

/** Interprets an HTTP response. */
export function readAnswer({ route, status, retryAfter, text }: RawAnswer): Answer {
  const body = parseObject(text);
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    return {
      kind: 'unavailable',
      reason: `${status} ${detailOf(body)}`.trim(),
      retryAfterMs: retryAfterMs(retryAfter),
    };
  }
  if (Array.isArray(body?.['failures']) && (status < 300 || status === 400)) {
    const failures = body['failures'].map((failure) => readFailure(failure));
    return failures.every((failure) => failure !== undefined)
      ? { kind: 'processed', failures }
      : { kind: 'refused', reason: `${route} answered ${status} with a failure that names no item` };
  }
  return { kind: 'refused', reason: `${route} answered ${status} ${detailOf(body)}`.trim() };
}

function readFailure(failure: unknown): ItemFailure | undefined {
  if (!isObject(failure)) return undefined;
  const { index, item } = failure;
  // MDS has the item only; Hailstream's ingest adds its index.
  const event = Number.isInteger(index) ? { index: index as number } : isObject(item) ? { item } : undefined;
  if (event === undefined) return undefined;
  const error = toText(failure['error']);
  const description = failure['error_description'];
  const details = Array.isArray(failure['error_details']) ? failure['error_details'] : [];
  const reason = [`${error}: ${toText(description ?? '')}`, ...details.map(toText)].join('; ');
  return { event, retryable: RETRYABLE_ERRORS.has(error), reason };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Title and detail of a problem document, in one line. */
function detailOf(problem: Record<string, unknown> | undefined): string {
  return [problem?.['title'], problem?.['detail']].filter((part) => typeof part === 'string').join(': ');
}

/** Reads `Retry-After`, in seconds or as a date. */
function retryAfterMs(header: string | string[] | undefined): number {
  if (typeof header !== 'string') return 0;
  const wait = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) ? Math.max(0, wait) : 0;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return error.message === '' ? code : `${code}: ${error.message}`;
}
