import { STATUS_CODES } from 'node:http';
import { AuthError } from '@hailstream/service/tokens';
import { HttpException } from '@nestjs/common';
import { ProblemError, type ProblemAnswer } from './problem.js';

/** When a caller should retry if the keys could not be fetched. */
const KEYS_RETRY_AFTER_SECONDS = 5;

/** The response for any error. `unexpected` errors are logged, and their details are not returned. */
export interface ErrorAnswer extends ProblemAnswer {
  readonly unexpected?: true;
}

/** Converts an error of the service, of Nest or of Fastify to a response. */
export function toProblem(error: unknown): ErrorAnswer {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof AuthError) return authProblem(error);
  if (error instanceof HttpException) {
    return answer(error.getStatus(), FRAMEWORK_DETAILS[error.message] ?? error.message);
  }
  const { statusCode, code, message } = (error ?? {}) as {
    statusCode?: number;
    code?: string;
    message?: string;
  };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return answer(statusCode, FASTIFY_DETAILS[code ?? ''] ?? message);
  }
  return { ...answer(500), unexpected: true };
}

/** Replaces messages of Fastify. */
const FASTIFY_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'the body is empty',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'the length of the body does not match Content-Length',
  FST_ERR_CTP_BODY_TOO_LARGE: 'the body is too large',
};

/** Replaces messages of Fastify that Nest has wrapped in an exception. */
const FRAMEWORK_DETAILS: Readonly<Record<string, string>> = {
  'Request body is too large': 'the body is too large',
};

function authProblem(error: AuthError): ProblemAnswer {
  if (error.code === 'KEYS_UNAVAILABLE') {
    return { ...answer(503, error.message), headers: { 'retry-after': String(KEYS_RETRY_AFTER_SECONDS) } };
  }
  return { ...answer(401, error.message), headers: { 'www-authenticate': challenge(error) } };
}

/** @see RFC 6750, section 3 */
function challenge({ code, message }: AuthError): string {
  if (code === 'TOKEN_MISSING') return 'Bearer';
  const reason = code === 'SCOPE_MISSING' ? 'insufficient_scope' : 'invalid_token';
  return `Bearer error="${reason}", error_description="${message.replaceAll('"', "'")}"`;
}

function answer(status: number, detail?: string): ProblemAnswer {
  // The name in RFC 9110; Node has the older one.
  const title = status === 413 ? 'Content Too Large' : (STATUS_CODES[status] ?? 'Error');
  return { status, title, ...(detail !== undefined && detail !== title && { detail }) };
}
