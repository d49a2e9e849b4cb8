import { isUtf8 } from 'node:buffer';
import { ProblemError } from '@hailstream/nest';
import type { FastifyInstance } from 'fastify';
import { MAX_ITEMS } from './limits.js';
import { isJsonInUtf8, MDS_JSON } from './media-types.js';
import { replaceOversizedItems } from './oversized-items.js';

/**
 * Parses JSON bodies, and nothing else: other content types are refused with 415. There is no look-out for
 * `__proto__`: `JSON.parse` makes it a field like any other, which no item has, and items are never merged into objects.
 */
export function acceptJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    ['application/json', MDS_JSON],
    { parseAs: 'buffer' },
    (request, body: Buffer, done) => {
      try {
        done(null, parseJsonBody(body, request.headers['content-type'] ?? ''));
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

/**
 * The value of a body. If it is an array, its items beyond a limit are replaced by an `OversizedItem`.
 *
 * @throws ProblemError 415 for another charset, 400 for what is not JSON in UTF-8
 */
export function parseJsonBody(body: Buffer, contentType: string): unknown {
  if (!isJsonInUtf8(contentType)) {
    throw new ProblemError({
      status: 415,
      title: 'Unsupported Media Type',
      detail: 'JSON is taken in UTF-8 alone',
    });
  }
  if (body.length === 0) throw malformed('the body is empty');
  if (!isUtf8(body)) throw malformed('the body is not UTF-8');
  const value = parse(body.toString());
  if (Array.isArray(value) && value.length <= MAX_ITEMS) replaceOversizedItems(body, value);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`the body is not JSON: ${(error as SyntaxError).message}`);
  }
}

function malformed(detail: string): ProblemError {
  return new ProblemError({ status: 400, title: 'Bad Request', detail });
}
