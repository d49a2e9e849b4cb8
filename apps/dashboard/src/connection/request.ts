const REQUEST_TIMEOUT_MS = 10_000;

/** The code of a problem with status 429: the address had no valid token too often. Requests with one are answered. */
const TOO_MANY_FAILURES = 'TOO_MANY_FAILURES';

const DEFAULT_RETRY_AFTER_SECONDS = 60;

/** A request whose token is missing, invalid or expired. */
interface Refused {
  readonly kind: 'refused';
  /** How long the address may not try again because it failed too often; `null` if it may. */
  readonly waitMs: number | null;
}

/** The body of a response, or the kind of failure. */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly body: T }
  | Refused
  /** `status` is `null` if there was no response. */
  | { readonly kind: 'failed'; readonly status: number | null; readonly reason: string };

/** A request that changes something, with its body. */
interface Change {
  readonly method: 'POST' | 'DELETE';
  readonly body?: object | undefined;
}

/** Sends a change. The reason of a failure is that of the service. */
export async function sendChange<T>(
  path: string,
  { token, method, body }: { readonly token: string | null } & Change,
): Promise<Exclude<Answer<T>, { kind: 'refused' }>> {
  try {
    const response = await fetch(path, {
      method,
      headers: {
        ...(token !== null && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const content = (text === '' ? null : JSON.parse(text)) as T;
    if (response.ok) return { kind: 'ok', body: content };
    return { kind: 'failed', status: response.status, reason: problemOf(content, response.status) };
  } catch (error) {
    return { kind: 'failed', status: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

function problemOf(problem: unknown, status: number): string {
  const { detail, errors } = (problem ?? {}) as {
    readonly detail?: string;
    readonly errors?: readonly { readonly detail: string }[];
  };
  const details = errors?.map((error) => error.detail).join('; ');
  return details ?? detail ?? `the service answered ${status}`;
}

/** Requests JSON from the service of this page. */
export async function request<T>(
  path: string,
  { token, signal }: { readonly token: string | null; readonly signal?: AbortSignal | undefined },
): Promise<Answer<T>> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  try {
    const response = await fetch(path, {
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    if (response.status === 401 || response.status === 403) return { kind: 'refused', waitMs: null };
    if (!response.ok) {
      const { status } = response;
      const { code, detail = `the service answered ${status}` } = await problemIn(response);
      if (code === TOO_MANY_FAILURES) return { kind: 'refused', waitMs: retryAfterMs(response) };
      return { kind: 'failed', status, reason: detail };
    }
    return { kind: 'ok', body: (await response.json()) as T };
  } catch (error) {
    return { kind: 'failed', status: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
}

/** The code and the detail of a problem (RFC 9457), if the response is one. */
async function problemIn(response: Response): Promise<ProblemBody> {
  const isProblem = response.headers.get('content-type')?.includes('application/problem+json') ?? false;
  if (!isProblem) return {};
  const { code, detail } = (await response.json()) as Readonly<Record<string, unknown>>;
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof detail === 'string' && { detail }),
  };
}

/** How long a response tells the page to wait. Without the header, a minute. */
export function retryAfterMs({ headers }: Response): number {
  const seconds = Number.parseInt(headers.get('retry-after') ?? '', 10);
  return 1_000 * (seconds > 0 ? seconds : DEFAULT_RETRY_AFTER_SECONDS);
}
