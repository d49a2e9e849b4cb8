import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isLoopbackAuthority } from '@hailstream/service/loopback';
import { isSameOrigin } from '@hailstream/service/same-origin';
import type { FastifyInstance } from 'fastify';
import { PROBLEM_JSON, ProblemError } from './problem.js';
import { SECURITY_HEADER_LINES, setSecurityHeaders } from './security-headers.js';

const MISDIRECTED = 421;
const REASON = 'Misdirected Request';

/**
 * Serves only requests that name the loopback interface as their host. A service without authentication listens on loopback
 * only, but any site can let its own host name resolve to 127.0.0.1 (DNS rebinding), and browsers then treat the service as a
 * part of that site. Requests without the header are not sent by browsers.
 *
 * Applies before all listeners of the server, also to upgrades to WebSocket.
 */
export function refuseForeignHosts(server: Server): void {
  const emit = server.emit.bind(server) as (event: string, ...args: unknown[]) => boolean;
  server.emit = (event: string, ...args: unknown[]): boolean => {
    if (!ANSWERED_EVENTS.has(event)) return emit(event, ...args);
    const [request, channel] = args as [IncomingMessage, ServerResponse | Duplex];
    const { host } = request.headers;
    if (host === undefined || isLoopbackAuthority(host)) return emit(event, ...args);
    const body = problemOf(request);
    if ('writeHead' in channel) respond(request, channel, body);
    else channel.end(messageOf(body));
    return true;
  };
}

/** Events with a request, and with the response to it or its connection. */
const ANSWERED_EVENTS: ReadonlySet<string> = new Set(['request', 'checkContinue', 'upgrade', 'connect']);

function problemOf({ url, headers }: IncomingMessage): string {
  return JSON.stringify({
    type: 'about:blank',
    title: REASON,
    status: MISDIRECTED,
    detail:
      `the host ${JSON.stringify(headers.host)} is not served: without authentication, only requests to a loopback ` +
      'address or localhost are. Set one of the AUTH_ variables, or let the proxy send the address of this service as Host',
    instance: url,
  });
}

function respond(request: IncomingMessage, response: ServerResponse, body: string): void {
  setSecurityHeaders(response);
  const length = String(Buffer.byteLength(body));
  response.writeHead(MISDIRECTED, {
    'content-type': PROBLEM_JSON,
    'content-length': length,
    connection: 'close',
  });
  response.end(body);
  request.resume();
}

function messageOf(body: string): string {
  return (
    `HTTP/1.1 ${MISDIRECTED} ${REASON}\r\n${SECURITY_HEADER_LINES}Content-Type: ${PROBLEM_JSON}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}

/**
 * Refuses changes that a page of another site requests. Browsers send such requests without asking if they look like those of
 * a form. A service without authentication would execute them, and so would one that recognizes users by a cookie.
 */
export function refuseOtherOrigins(fastify: FastifyInstance, allowedOrigins: readonly string[]): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    const { headers } = request;
    if (!isChange || (isSameOrigin(headers, allowedOrigins) && isSameSite(headers))) return done();
    const detail = `pages of ${headers.origin ?? 'other origins'} may not change anything here`;
    done(new ProblemError({ status: 403, title: 'Forbidden', detail }));
  });
}

/** Browsers say where a request comes from, also if they leave out its origin. `none`: from the user, not from a page. */
function isSameSite({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin !== undefined || site === undefined || site === 'same-origin' || site === 'none';
}
