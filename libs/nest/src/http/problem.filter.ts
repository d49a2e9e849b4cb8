import type { IncomingMessage, ServerResponse } from 'node:http';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { throwError, type Observable } from 'rxjs';
import { examinedError } from './examined-errors.js';
import { PROBLEM_JSON, type Problem, type ProblemAnswer } from './problem.js';
import { setSecurityHeaders } from './security-headers.js';
import { toProblem, type ErrorAnswer } from './to-problem.js';

/** Responses that wait at once; if there are as many, others are not delayed. */
const MAX_DELAYED = 5_000;

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Returns every error as `application/problem+json`. Details of internal errors are not returned. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private delayed = 0;

  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> | void {
    // Thrown by a batch handler: the consumer retries or dead-letters the batch and needs the original error.
    if (host.getType() === 'rpc') return throwError(() => error);
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Sends the response for an error. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem =
      wrongMethod(error, request) ?? toProblem(examinedError(error, request.server.server, request.raw));
    this.logUnexpected(problem, error, request);
    if (reply.sent) return;
    this.sendAfter(problem.delayMs, () => {
      void reply
        .status(problem.status)
        .headers(problem.headers ?? {})
        .header('content-type', PROBLEM_JSON)
        .send(JSON.stringify(body(problem, request.url)));
    });
  }

  /** Sends the response for an error of a request that Fastify does not serve. */
  answerDirectly(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const problem = toProblem(error);
    this.logUnexpected(problem, error, request);
    if (response.headersSent) return;
    response.statusCode = problem.status;
    this.sendAfter(problem.delayMs, () => {
      const text = JSON.stringify(body(problem, request.url ?? ''));
      const headers = { 'content-type': PROBLEM_JSON, 'content-length': Buffer.byteLength(text) };
      setSecurityHeaders(response);
      response.writeHead(problem.status, { ...problem.headers, ...headers }).end(text);
    });
  }

  private sendAfter(delayMs: number | undefined, send: () => void): void {
    if (delayMs === undefined || delayMs === 0 || this.delayed >= MAX_DELAYED) {
      send();
      return;
    }
    this.delayed += 1;
    setTimeout(() => {
      this.delayed -= 1;
      send();
    }, delayMs);
  }

  private logUnexpected(
    { unexpected }: ErrorAnswer,
    error: unknown,
    { method, url }: Pick<IncomingMessage, 'method' | 'url'>,
  ): void {
    if (unexpected) this.logger.error({ err: error, method, url }, 'request failed');
  }
}

function body({ status, title, detail, errors, extensions }: ProblemAnswer, url: string): Problem {
  return {
    ...extensions,
    type: 'about:blank',
    title,
    status,
    ...(detail !== undefined && { detail }),
    instance: url,
    ...(errors !== undefined && { errors }),
  };
}

/** A known path with an unsupported method. */
function wrongMethod(error: unknown, request: FastifyRequest): ErrorAnswer | undefined {
  if (!(error instanceof HttpException) || error.getStatus() !== 404 || !request.is404) return undefined;
  const [url = '/'] = request.url.split('?');
  const allowed = METHODS.filter((method) => request.server.hasRoute({ method, url }));
  if (allowed.length === 0) return undefined;
  return {
    status: 405,
    title: 'Method Not Allowed',
    detail: `${url} accepts ${allowed.join(', ')}`,
    headers: { allow: allowed.join(', ') },
  };
}
