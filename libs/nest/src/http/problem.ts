/** RFC 9457 media type. */
export const PROBLEM_JSON = 'application/problem+json; charset=utf-8';

/** One error in a request. `field` is a path in the body. */
interface ProblemDetail {
  readonly field?: string;
  readonly detail: string;
}

/** The body of a problem response. @see RFC 9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance?: string;
  readonly errors?: readonly ProblemDetail[];
  /** Extension members of the problem, RFC 9457 section 3.2. */
  readonly [extension: string]: unknown;
}

/** The response for an error. */
export interface ProblemAnswer {
  readonly status: number;
  readonly title: string;
  readonly detail?: string;
  readonly errors?: readonly ProblemDetail[];
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the response waits before it is sent. @default 0 */
  readonly delayMs?: number;
  /** Additional members of the body. They do not replace the members above. @see RFC 9457, section 3.2 */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** An error that defines its response. All of its fields are sent to the caller. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code = 'PROBLEM';

  constructor(
    readonly problem: ProblemAnswer,
    options?: ErrorOptions,
  ) {
    super(problem.detail ?? problem.title, options);
  }
}

/** A body that is larger than the service accepts. */
export function bodyTooLarge(limitBytes: number): ProblemError {
  return new ProblemError({
    status: 413,
    title: 'Content Too Large',
    detail: `the body must not be larger than ${limitBytes} bytes`,
  });
}
