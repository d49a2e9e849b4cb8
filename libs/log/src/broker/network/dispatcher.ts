import type { Logger } from 'pino';
import { UnacknowledgedError } from '../handlers/00-produce.js';
import { listVersions } from '../handlers/18-api-versions.js';
import { handleGuarded } from '../handlers/guards/index.js';
import type { AnyHandler, Handler, RequestContext, Services } from '../handlers/handler.js';
import { ErrorCode, ProtocolError } from '../../protocol/error-codes.js';
import { readRequestHeader, writeResponseHeader, type RequestHeader } from '../../protocol/headers.js';
import { MalformedRequestError, Reader } from '../../protocol/reader.js';
import type { Session } from '../security/session.js';
import { Writer } from '../../protocol/writer.js';
import { BufferLease, BufferPool } from './buffer-pool.js';
import type { Connection, Outcome, RequestRunner } from './connection.js';
import type { Faults } from './faults.js';

const API_VERSIONS = 18;
/** Maximum number of array elements of a request: more than the partitions of a broker, which clients list at most. */
const MAX_REQUEST_ELEMENTS = 100_000;

interface DispatcherOptions {
  readonly handlers: ReadonlyMap<number, AnyHandler>;
  readonly services: Services;
  readonly faults: Faults;
  readonly logger: Logger;
}

/** A decoded request. */
interface Handled {
  readonly header: RequestHeader;
  readonly handler: AnyHandler;
  readonly request: never;
  readonly connection: Connection;
  readonly memory: BufferLease;
}

/** Decodes requests, calls their handlers and encodes the responses. */
export class Dispatcher implements RequestRunner {
  /** Buffers of requests and responses. */
  readonly memory = new BufferPool();

  constructor(private readonly options: DispatcherOptions) {}

  isPipelined(frame: Buffer, { session }: Connection): boolean {
    if (!session.isAdmitted || frame.length < 2) return false;
    return this.options.handlers.get(frame.readInt16BE(0))?.pipelined === true;
  }

  async run(frame: Buffer, connection: Connection): Promise<Outcome> {
    try {
      const { session } = connection;
      if (session.expectsRawToken) return await takeRawToken(frame, session);
      const header = readRequestHeader(new Reader(frame));
      if (!session.mayAsk(header.apiKey)) {
        return { kind: 'close', reason: `API key ${header.apiKey} before authentication`, chunks: [] };
      }
      const handler = this.options.handlers.get(header.apiKey);
      if (handler === undefined) return unserved(header, `API key ${header.apiKey} is not supported`);
      const { apiVersion } = header;
      if (apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
        return header.apiKey === API_VERSIONS
          ? this.otherApiVersions(header, handler)
          : unserved(header, `${handler.name} version ${apiVersion} is not supported`);
      }
      const startedMs = performance.now();
      const outcome = await this.handle(header, handler, frame, connection);
      this.trace(header, handler.name, performance.now() - startedMs);
      return outcome;
    } catch (error) {
      return this.failed(error);
    }
  }

  private async handle(
    header: RequestHeader,
    handler: AnyHandler,
    frame: Buffer,
    connection: Connection,
  ): Promise<Outcome> {
    const { apiVersion, correlationId } = header;
    const { meter } = this.options.services;
    const startedMs = performance.now();
    const fault = this.options.faults.next(handler);
    if (fault !== undefined) {
      if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      if (fault.dropConnection) return { kind: 'close', reason: 'fault injected', chunks: [] };
    }
    const flexible = apiVersion >= handler.flexibleFrom;
    const reader = new Reader(frame, flexible, apiVersion);
    reader.elementsLeft = MAX_REQUEST_ELEMENTS;
    skipRequestHeader(reader, flexible);
    const request = handler.request.read(reader);
    const rejection = fault?.errorCode === undefined ? undefined : handler.reject?.(request, fault.errorCode);
    const memory = new BufferLease(this.memory);
    try {
      const response = rejection ?? (await this.answer({ header, handler, request, connection, memory }));
      meter.answered(handler.name, response, (performance.now() - startedMs) / 1000);
      if (response === undefined || fault?.dropAnswer) {
        memory.drop();
        return fault?.dropAnswer
          ? { kind: 'close', reason: 'fault injected', chunks: [] }
          : { kind: 'no-answer' };
      }
      const chunks = encode(correlationId, handler as unknown as Handler<unknown>, apiVersion, response);
      const { rejection: reason } = connection.session;
      if (reason === undefined) {
        return { kind: 'answer', chunks, sent: () => memory.release(), dropped: () => memory.drop() };
      }
      memory.drop();
      return { kind: 'close', reason, chunks };
    } catch (error) {
      memory.drop();
      throw error;
    }
  }

  /** Calls the handler, with what the ACLs allow. */
  private async answer({ header, handler, request, connection, memory }: Handled): Promise<unknown> {
    const { services } = this.options;
    const { authorizer } = services;
    // Without `...services`: V8 copies so many fields in its runtime, and into the old generation, for each request.
    const context: RequestContext = {
      config: services.config,
      store: services.store,
      coordinator: services.coordinator,
      transactions: services.transactions,
      producerIds: services.producerIds,
      authorizer,
      logger: services.logger,
      meter: services.meter,
      now: services.now,
      node: services.node,
      apiVersion: header.apiVersion,
      clientId: header.clientId ?? '',
      clientHost: connection.clientHost,
      session: connection.session,
      signal: connection.signal,
      memory,
    };
    if (authorizer === undefined) return handler.handle(request, context);
    return handleGuarded(handler, request, context, authorizer.accessOf(connection.session.principal));
  }

  private trace({ apiVersion, correlationId, clientId }: RequestHeader, api: string, ms: number): void {
    if (!this.options.logger.isLevelEnabled('debug')) return;
    this.options.logger.debug({ api, apiVersion, correlationId, clientId, ms }, 'request completed');
  }

  private otherApiVersions({ correlationId }: RequestHeader, handler: AnyHandler): Outcome {
    const list = listVersions(this.options.handlers.values(), ErrorCode.UNSUPPORTED_VERSION);
    return { kind: 'answer', chunks: encode(correlationId, handler as unknown as Handler<unknown>, 0, list) };
  }

  private failed(error: unknown): Outcome {
    const expected = error instanceof MalformedRequestError || error instanceof UnacknowledgedError;
    if (!expected) this.options.logger.error({ err: error }, 'request failed');
    return { kind: 'close', reason: (error as Error).message, chunks: [] };
  }
}

/** Responds with an error at the position that it has in most responses, and closes the connection. */
function unserved({ correlationId }: RequestHeader, reason: string): Outcome {
  const body = new Writer();
  body.int16(ErrorCode.UNSUPPORTED_VERSION);
  return { kind: 'close', reason, chunks: framed(correlationId, false, body) };
}

/** After SaslHandshake 0 every frame is a token. The only way to report an error is to close the connection. */
async function takeRawToken(frame: Buffer, session: Session): Promise<Outcome> {
  try {
    const reply = await session.prove(frame);
    const length = new Writer();
    length.int32(reply.length);
    return { kind: 'answer', chunks: [...length.finish(), reply] };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { kind: 'close', reason: error.message, chunks: [] };
  }
}

function skipRequestHeader(reader: Reader, flexible: boolean): void {
  reader.raw(8);
  const length = reader.int16();
  if (length > 0) reader.raw(length);
  if (flexible) reader.skipTaggedFields();
}

function encode(
  correlationId: number,
  handler: Handler<unknown>,
  apiVersion: number,
  response: unknown,
): Buffer[] {
  const flexible = apiVersion >= handler.flexibleFrom;
  const body = new Writer(flexible, apiVersion);
  handler.response.write(body, response);
  return framed(correlationId, flexible && handler.apiKey !== API_VERSIONS, body);
}

function framed(correlationId: number, flexibleHeader: boolean, body: Writer): Buffer[] {
  const chunks = body.finish();
  const bodyBytes = body.sizeBytes;
  const head = new Writer();
  const headerBytes = flexibleHeader ? 5 : 4;
  head.int32(headerBytes + bodyBytes);
  writeResponseHeader(head, correlationId, flexibleHeader);
  return [...head.finish(), ...chunks];
}
