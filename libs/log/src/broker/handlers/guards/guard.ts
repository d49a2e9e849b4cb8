import { ErrorCode } from '../../../protocol/error-codes.js';
import type { Access } from '../../security/access/authorizer.js';
import type { Handler, RequestContext } from '../handler.js';

/** A request whose principal is known, before it is handled. */
interface Guarded<Request, Response> {
  readonly request: Request;
  readonly context: RequestContext;
  readonly access: Access;
  /** Handles a request with what the principal may do. */
  proceed(request: Request): Promise<Response | undefined>;
}

/** Handles the allowed parts of a request, and answers the others with an error. */
export type Guard<Request, Response> = (
  guarded: Guarded<Request, Response>,
) => Promise<Response | undefined> | Response | undefined;

export type AnyGuard = Guard<never, unknown>;

/** The guard of a handler, by API key. */
export function guard<Request, Response>(
  { apiKey }: Handler<Request, Response>,
  check: Guard<Request, Response>,
): readonly [number, AnyGuard] {
  return [apiKey, check as unknown as AnyGuard];
}

/** A guard that rejects the whole request with the code that `check` returns; `NONE` allows it. */
export function guardWhole<Request, Response>(
  handler: Handler<Request, Response>,
  check: (request: Request, access: Access) => ErrorCode,
): readonly [number, AnyGuard] {
  return guard(handler, async ({ request, access, proceed }) => {
    const code = check(request, access);
    return code === ErrorCode.NONE ? proceed(request) : rejected(handler, request, code);
  });
}

/** The response that fails everything in the request. @throws Error if the handler has none */
export function rejected<Request, Response>(
  handler: Pick<Handler<Request, Response>, 'name' | 'reject'>,
  request: Request,
  code: ErrorCode,
): Response {
  if (handler.reject === undefined) throw new Error(`${handler.name} cannot reject a request`);
  return handler.reject(request, code);
}

/** Divides values into those that are allowed and the others. */
export function divide<T>(values: readonly T[], isAllowed: (value: T) => boolean): [T[], T[]] {
  const allowed: T[] = [];
  const denied: T[] = [];
  for (const value of values) (isAllowed(value) ? allowed : denied).push(value);
  return [allowed, denied];
}
