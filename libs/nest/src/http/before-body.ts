import type { IncomingMessage, ServerResponse } from 'node:http';
import { isCrumbled } from '@hailstream/service/fragments';
import { NotFoundException } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasLargeRest } from './connections.js';
import { bodyTooLarge, ProblemError } from './problem.js';

/** Rejects a request by throwing an error, before its body is read. */
export type BodyCheck = (request: FastifyRequest, reply: FastifyReply) => void;

/**
 * Rejects requests by their headers before the body is read: an unknown path or method, a body over the limit, and what
 * `check` rejects. `Expect: 100-continue` is answered with 100 only after these checks. `onRequest` hooks run before them.
 */
export function checkBeforeBody(fastify: FastifyInstance, bodyLimitBytes: number, check: BodyCheck): void {
  // Without a listener, Node sends the 100 itself, before any check.
  fastify.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    fastify.server.emit('request', request, response);
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const isRefused = request.is404 && (isBodyRead(request) || announcesBody(request.raw));
    done(isRefused ? new NotFoundException(`Cannot ${request.method} ${request.url}`) : undefined);
  });
  fastify.addHook('preParsing', (request, reply, payload, done) => {
    if (isBodyRead(request) && announcesBody(request.raw)) {
      try {
        if (Number(request.headers['content-length']) > bodyLimitBytes) throw bodyTooLarge(bodyLimitBytes);
        check(request, reply);
      } catch (error) {
        done(error as Error);
        return;
      }
      const { raw } = request;
      refuseCrumbs(raw, (problem) => refuseBody(raw, problem));
      if (request.headers.expect !== undefined) reply.raw.writeContinue();
    }
    done(null, payload);
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (hasLargeRest(request.raw)) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** Whether the body of a request is read if it has one. */
function isBodyRead({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

/** Whether the headers of a request announce a body. */
function announcesBody({ headers }: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding !== undefined || (length !== undefined && length !== '0');
}

/** The size of the body of a request; the limit if it is not announced. */
export function announcedBytes({ headers }: IncomingMessage, limitBytes: number): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = headers;
  return encoding === undefined ? Number(length ?? 0) : limitBytes;
}

/** Responds to a request whose body Fastify is reading, and discards what has arrived of it. */
export function refuseBody(request: IncomingMessage, problem: ProblemError): void {
  // Fastify's listener releases the body and sends the response. It has none if the body is complete, or the request has failed.
  if (request.listenerCount('error') > 0) request.emit('error', problem);
}

/**
 * Calls `refuse`, which responds and closes the connection, if the body of a request arrives in many small fragments. To be called
 * before the body is read.
 */
export function refuseCrumbs(request: IncomingMessage, refuse: (problem: ProblemError) => void): void {
  let fragments = 0;
  let bytes = 0;
  const count = (chunk: Buffer): void => {
    fragments += 1;
    bytes += chunk.length;
    if (!isCrumbled({ fragments, bytes })) return;
    request.off('data', count);
    refuse(tooManyFragments());
  };
  request.on('data', count);
}

function tooManyFragments(): ProblemError {
  return new ProblemError({
    status: 400,
    title: 'Bad Request',
    detail: 'the body arrives in too many small chunks: send larger ones, or its length',
    headers: { connection: 'close' },
  });
}
