import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventFamily } from '@hailstream/events';
import {
  bearerToken,
  hasLargeRest,
  RAW_SECURITY_HEADERS,
  refuseCrumbs,
  type DirectHandler,
  type HttpMetrics,
  type ProblemError,
  type ProblemFilter,
} from '@hailstream/nest';
import { AuthError, requireScope, type Principal, type TokenVerifier } from '@hailstream/service/tokens';
import type { Admission, Visit } from '../admission/admission.js';
import { parseJsonBody } from '../body/json-body.js';
import { answerType, MDS_JSON } from '../body/media-types.js';
import { statusOf } from './bulk-response.js';
import type { IngestService } from './ingest.service.js';

/** Content types of the bodies. Others that the app supports are left to it. */
const JSON_TYPES: ReadonlySet<string | undefined> = new Set([
  'application/json',
  'application/json; charset=utf-8',
]);

/** What the handler needs of the app, once that has been created. */
interface AppParts {
  readonly server: { readonly listening: boolean };
  readonly verifier: TokenVerifier;
  readonly ingest: IngestService;
  readonly problems: ProblemFilter;
  readonly metrics: HttpMetrics;
  readonly admission: Admission;
  readonly bodyLimitBytes: number;
}

/** A request that is served. */
interface Exchange {
  readonly family: EventFamily;
  readonly visit: Visit;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** As `performance.now()`. */
  readonly receivedAt: number;
}

/**
 * Serves the requests that nearly all devices send: plain JSON of known length to the path of a family, with a token that was
 * verified before. They have the same responses as from {@link createEventsController}, without the layers of Fastify and Nest,
 * which use more processor time than the event. All other requests, and requests during a shutdown, are left to the app.
 */
export class DirectPosts {
  private readonly families: ReadonlyMap<string | undefined, EventFamily>;
  private parts: AppParts | undefined;

  constructor(families: readonly EventFamily[]) {
    this.families = new Map(families.map((family) => [family.path, family]));
  }

  /** Until this is called, all requests are left to the app. */
  start(parts: AppParts): void {
    this.parts = parts;
  }

  /** Returns whether the request is served here. */
  readonly serve: DirectHandler = (request, response) => {
    const family = this.families.get(request.url);
    const { parts } = this;
    if (family === undefined || request.method !== 'POST' || parts?.server.listening !== true) return false;
    if (!isPlain(request, parts.bodyLimitBytes)) return false;
    const principal = principalOf(request, parts.verifier);
    if (principal === undefined) return false;
    receive(parts, principal, { family, request, response, receivedAt: performance.now() });
    return true;
  };
}

/** Whether the body is JSON of a known length within the limit, and the response may be JSON. */
function isPlain({ headers }: IncomingMessage, bodyLimitBytes: number): boolean {
  const sizeBytes = Number(headers['content-length']);
  return (
    sizeBytes > 0 &&
    sizeBytes <= bodyLimitBytes &&
    JSON_TYPES.has(headers['content-type']) &&
    headers['content-encoding'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined &&
    // Only browsers send it: the app decides which sites may change something.
    headers.origin === undefined &&
    headers.accept?.includes(MDS_JSON) !== true
  );
}

/** The caller, if the token was verified before and may write. If not, the app verifies it, or responds with the reason. */
function principalOf({ headers }: IncomingMessage, verifier: TokenVerifier): Principal | undefined {
  try {
    const principal = verifier.recall(bearerToken(headers.authorization));
    if (principal !== undefined) requireScope(principal, 'write');
    return principal;
  } catch (error) {
    if (error instanceof AuthError) return undefined;
    throw error;
  }
}

/** The headers of every response, as names and values in turn. */
const HEADERS = [...RAW_SECURITY_HEADERS, 'content-type', answerType(undefined) ?? ''];

/** Admits a request before its body is read, and responds once that has arrived. If it is refused, the body is discarded. */
function receive(parts: AppParts, { providerId }: Principal, exchange: Omit<Exchange, 'visit'>): void {
  const { admission } = parts;
  const { family, request, response, receivedAt } = exchange;
  let chunks: Buffer[] = [];
  const keep = (chunk: Buffer): void => void chunks.push(chunk);
  const discard = (problem: ProblemError): void => {
    request.off('data', keep);
    chunks = [];
    refuse(parts, exchange, problem);
  };
  let visit: Visit;
  try {
    visit = admission.enter(providerId, Number(request.headers['content-length']), discard);
  } catch (error) {
    refuse(parts, exchange, error);
    return;
  }
  request.on('data', keep);
  refuseCrumbs(request, (problem) => {
    admission.leave(visit);
    discard(problem);
  });
  request.on('end', () => {
    admission.arrive(visit);
    admission.run(
      visit,
      () => void respond(parts, { family, visit, request, response, receivedAt }, chunks),
      (problem) => refuse(parts, exchange, problem),
    );
  });
  response.once('close', () => admission.leave(visit));
}

function refuse(
  { problems, metrics }: AppParts,
  { family, request, response, receivedAt }: Omit<Exchange, 'visit'>,
  error: unknown,
): void {
  if (hasLargeRest(request)) response.setHeader('connection', 'close');
  problems.answerDirectly(error, request, response);
  observe(metrics, family, { response, receivedAt });
}

async function respond(
  { ingest, problems, metrics, admission }: AppParts,
  { family, visit, request, response, receivedAt }: Exchange,
  chunks: readonly Buffer[],
): Promise<void> {
  try {
    const body = parseJsonBody(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
    const result = await ingest.ingest(family, body, visit);
    const text = JSON.stringify(result);
    const headers = [...HEADERS, 'content-length', String(Buffer.byteLength(text))];
    for (const [name, value] of Object.entries(admission.headersOf(visit))) headers.push(name, value);
    response.writeHead(statusOf(result), headers).end(text);
  } catch (error) {
    problems.answerDirectly(error, request, response);
  }
  observe(metrics, family, { response, receivedAt });
}

function observe(
  metrics: HttpMetrics,
  { path }: EventFamily,
  { response, receivedAt }: Pick<Exchange, 'response' | 'receivedAt'>,
): void {
  const seconds = (performance.now() - receivedAt) / 1_000;
  metrics.observe({ method: 'POST', route: path, status: response.statusCode }, seconds);
}
