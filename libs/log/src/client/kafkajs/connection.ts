import type { Socket } from 'node:net';
import type { Api } from '../../protocol/schema.js';
import { Writer } from '../../protocol/writer.js';

/** A connection of kafkajs, and the parts of it that {@link sendFrame} uses. */
export interface KafkajsConnection {
  readonly clientId: string;
  readonly socket: Socket;
  readonly requestQueue: {
    /** Requests without a response, by their correlation ids. */
    inflight: Map<number, unknown>;
    push(request: {
      readonly entry: RequestEntry;
      readonly expectResponse: true;
      readonly requestTimeout: null;
      readonly sendRequest: () => void;
    }): void;
    maybeThrottle(ms: number): void;
  };
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  /** @throws KafkaJSConnectionError if it is not connected */
  failIfNotConnected(): void;
  nextCorrelationId(): number;
}

interface RequestEntry {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly correlationId: number;
  resolve(response: { readonly payload: Buffer }): void;
  reject(error: Error): void;
}

/** Version of the API in which a request is sent. */
interface VersionOf {
  readonly api: Pick<Api<never, unknown>, 'apiKey' | 'name' | 'flexibleFrom'>;
  readonly apiVersion: number;
}

/**
 * Sends a request and returns the response without its correlation id. The body is not copied; kafkajs's own `send` copies it
 * twice. Requests are written in the order of the calls.
 *
 * @param body must not change until the response has arrived
 */
export async function sendFrame(
  connection: KafkajsConnection,
  { api, apiVersion }: VersionOf,
  body: readonly Buffer[],
): Promise<Buffer> {
  if (!connection.isAuthenticated()) await connection.authenticate();
  connection.failIfNotConnected();
  const { apiKey, name: apiName } = api;
  const correlationId = connection.nextCorrelationId();
  const header = new Writer();
  header.int16(apiKey);
  header.int16(apiVersion);
  header.int32(correlationId);
  header.nullableString(connection.clientId);
  // The header of a flexible version ends with tagged fields.
  if (apiVersion >= api.flexibleFrom) header.int8(0);
  const frame = new Writer();
  frame.int32(header.sizeBytes + body.reduce((sum, { length }) => sum + length, 0));
  for (const chunk of [...header.finish(), ...body]) frame.raw(chunk);
  const chunks = frame.finish();
  const { requestQueue } = connection;
  const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
    requestQueue.push({
      entry: { apiKey, apiVersion, apiName, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => writeAll(connection.socket, chunks),
    });
  });
  // The map would keep former requests and responses until a major garbage collection, as explained in Accumulator.take.
  if (requestQueue.inflight.size === 0) requestQueue.inflight = new Map();
  return payload;
}

/** With one system call, if the socket can take all of it. */
function writeAll(socket: Socket, chunks: readonly Buffer[]): void {
  socket.cork();
  for (const chunk of chunks) socket.write(chunk);
  socket.uncork();
}
