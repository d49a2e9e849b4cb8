import { isUtf8 } from 'node:buffer';
import { gunzip } from 'node:zlib';
import { bodyTooLarge, ProblemError } from '@hailstream/nest';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { BodyWork } from '../admission/admitted-requests.js';
import { bodyTypes, contentCoding, isBodyType, isJsonInUtf8 } from './media-types.js';
import { notAnArray, tooManyItems, tooManyShapes, tooManyValues } from './body.errors.js';
import { MAX_BODY_SHAPES, MAX_BODY_VALUES, MAX_ITEM_BYTES, scanBody, type Excess } from './body-scan.js';
import { OversizedItem, RefusedBody } from './unparsed.js';

/** Maximum number of items in a request. */
export const MAX_ITEMS = 1_000;

const DIGIT_ZERO = 0x30;

/** Parses the bodies of requests. */
interface BodyOptions {
  readonly bodyLimitBytes: number;
  /** Parses when it is the request's turn, or refuses it. */
  readonly inTurn: (request: FastifyRequest, parsing: BodyWork) => void;
}

/**
 * Parses JSON bodies, plain or gzip. `__proto__` needs no special treatment: `JSON.parse` creates an ordinary field of that
 * name, which the schemas reject, and items are never merged into other objects.
 */
export function acceptJsonBodies(fastify: FastifyInstance, { bodyLimitBytes, inTurn }: BodyOptions): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser(
    [...bodyTypes],
    { parseAs: 'buffer' },
    (request, body: Buffer, done: (error: Error | null, value?: unknown) => void) => {
      const finish = (decoded: Buffer): void => {
        let value: unknown;
        try {
          value = parseJsonBody(decoded);
        } catch (error) {
          done(error as Error);
          return;
        }
        done(null, value);
      };
      const finishInTurn = (decoded: Buffer): void =>
        inTurn(request, { sizeBytes: decoded.length, work: () => finish(decoded), onRefused: done });
      if (contentCoding(request.headers['content-encoding']) === 'identity') finishInTurn(body);
      else inflate(body, bodyLimitBytes).then(finishInTurn, done);
    },
  );
}

/**
 * Checks the headers of a body before it is read.
 *
 * @throws ProblemError if the media type, charset or content coding is not supported: 415
 */
export function checkBodyHeaders({ headers }: FastifyRequest): void {
  const type = headers['content-type'] ?? '';
  if (!isBodyType(type)) {
    throw unsupported(`Content-Type must be ${bodyTypes.join(' or ')}`, { accept: bodyTypes.join(', ') });
  }
  if (!isJsonInUtf8(type)) throw unsupported('the charset of the body must be UTF-8');
  if (contentCoding(headers['content-encoding']) === undefined) {
    // RFC 7694, section 3.
    throw unsupported('Content-Encoding must be gzip or identity', { 'accept-encoding': 'gzip, identity' });
  }
}

/**
 * Parses a body, which is changed. Items that exceed a limit are not parsed, but replaced by an {@link OversizedItem}; a body
 * that exceeds one by a {@link RefusedBody}.
 *
 * @throws ProblemError if the body is not JSON in UTF-8: 400
 */
export function parseJsonBody(bytes: Buffer): unknown {
  const body = withoutByteOrderMark(bytes);
  if (body.length === 0) throw malformed('the body is empty');
  if (!isUtf8(body)) throw malformed('the body is not UTF-8');
  // A smaller body cannot have an oversized item, and whatever it contains costs little.
  if (body.length <= MAX_ITEM_BYTES) return parse(body.toString());
  const { kind, items, values, shapes, excesses } = scanBody(body);
  if (kind === 'other') return new RefusedBody('not-a-list', notAnArray());
  if (items > MAX_ITEMS) return new RefusedBody('too-many-items', tooManyItems(items, MAX_ITEMS));
  if (values > MAX_BODY_VALUES) return new RefusedBody('too-large', tooManyValues(MAX_BODY_VALUES));
  if (shapes > MAX_BODY_SHAPES) return new RefusedBody('too-large', tooManyShapes(MAX_BODY_SHAPES));
  if (kind === 'cut-array') throw malformed('the body is not JSON: the array does not end');
  return withoutExcesses(body, excesses);
}

/** Parses the items that do not exceed a limit. */
function withoutExcesses(body: Buffer, excesses: readonly Excess[]): unknown {
  for (const { start, end } of excesses) {
    body.fill(' ', start, end);
    body[start] = DIGIT_ZERO;
  }
  const value = parse(body.toString());
  if (Array.isArray(value)) for (const { index, rule } of excesses) value[index] = new OversizedItem(rule);
  return value;
}

/** Some clients send a byte order mark. RFC 8259, section 8.1 allows parsers to ignore it. */
function withoutByteOrderMark(body: Buffer): Buffer {
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return hasMark ? body.subarray(3) : body;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformed(`the body is not JSON: ${(error as SyntaxError).message}`);
  }
}

/** Stops decompressing at the limit. */
function inflate(body: Buffer, limitBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(body, { maxOutputLength: limitBytes }, (error, inflated) => {
      if (error === null) resolve(inflated);
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') reject(bodyTooLarge(limitBytes));
      else reject(malformed(`the body is not valid gzip: ${error.message}`));
    });
  });
}

function unsupported(detail: string, headers: Readonly<Record<string, string>> = {}): ProblemError {
  return new ProblemError({ status: 415, title: 'Unsupported Media Type', detail, headers });
}

function malformed(detail: string): ProblemError {
  return new ProblemError({ status: 400, title: 'Bad Request', detail });
}
