const REQUEST_TIMEOUT_MS = 10_000;

/** The body of a response, or the kind of failure. `refused`: the token is missing, invalid or expired. */
export type Answer<T> =
  | { readonly kind: 'ok'; readonly body: T }
  | { readonly kind: 'refused' }
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
    if (response.status === 401 || response.status === 403) return { kind: 'refused' };
    if (!response.ok) {
      const { status } = response;
      return { kind: 'failed', status, reason: await reasonOf(response) };
    }
    return { kind: 'ok', body: (await response.json()) as T };
  } catch (error) {
    return { kind: 'failed', status: null, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The detail of a problem (RFC 9457), or else the status. */
async function reasonOf(response: Response): Promise<string> {
  const isProblem = response.headers.get('content-type')?.includes('application/problem+json') ?? false;
  const { detail } = isProblem ? ((await response.json()) as { detail?: unknown }) : {};
  return typeof detail === 'string' ? detail : `the service answered ${response.status}`;
}
