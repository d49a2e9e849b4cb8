import { Agent, request as sendRequest } from 'undici';
import type { SinkCredentials } from '../credentials.js';
import { SinkError } from '../sink.errors.js';

const REQUEST_TIMEOUT_MS = 60_000;
/** How much of a response is quoted in an error. */
const MAX_QUOTED_CHARS = 300;

/** The request has more bytes than the cluster accepts. */
export class RequestTooLargeError extends Error {
  override readonly name = 'RequestTooLargeError';
  readonly code = 'REQUEST_TOO_LARGE';
}

interface OpenSearchRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

/** Sends requests to a cluster and classifies failures. */
export class OpenSearchClient implements AsyncDisposable {
  private readonly agent = new Agent({
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  });
  private readonly url: string;
  private readonly authorization: string | undefined;

  constructor(url: string, credentials: SinkCredentials['openSearch']) {
    this.url = url.replace(/\/+$/, '');
    if (credentials === undefined) return;
    const { username, password } = credentials;
    this.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }

  /**
   * Returns the JSON of a successful response.
   *
   * @throws RequestTooLargeError if the cluster responds 413
   * @throws SinkError if the request fails otherwise
   */
  async request({ method, path, body, signal }: OpenSearchRequest): Promise<unknown> {
    let status: number;
    let text: string;
    try {
      const response = await sendRequest(`${this.url}${path}`, {
        dispatcher: this.agent,
        method,
        headers: {
          ...(this.authorization !== undefined && { authorization: this.authorization }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      throw unavailable(`${this.url} is unreachable: ${(error as Error).message}`, error);
    }
    if (status >= 200 && status < 300) return parse(text, this.url);
    throw failureOf(status, `${this.url} responded ${status}: ${text.slice(0, MAX_QUOTED_CHARS)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.destroy();
  }
}

function parse(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unavailable(`${url} responded with invalid JSON: ${text.slice(0, MAX_QUOTED_CHARS)}`, error);
  }
}

function failureOf(status: number, message: string): Error {
  if (status === 401 || status === 403) return new SinkError('ACCESS_DENIED', message, { retryable: false });
  if (status === 413) return new RequestTooLargeError(message);
  if (status === 429 || status >= 500) return unavailable(message);
  return new SinkError('MISCONFIGURED', message, { retryable: false });
}

function unavailable(message: string, cause?: unknown): SinkError {
  return new SinkError('UNAVAILABLE', message, { retryable: true, cause });
}
