import * as net from 'node:net';
import { HANDLERS } from '../../src/broker/handlers/index.js';
import type { Handler } from '../../src/broker/handlers/handler.js';
import { Reader } from '../../src/protocol/reader.js';
import { Writer } from '../../src/protocol/writer.js';

const API_VERSIONS = 18;

function handlerOf(apiKey: number): Handler<unknown> {
  return HANDLERS.get(apiKey) as unknown as Handler<unknown>;
}

/** One framed request. `otherVersion` and `otherKey` put a different version or key into the header. */
export function request(
  apiKey: number,
  version: number,
  correlationId: number,
  body: object,
  otherVersion = version,
  otherKey = apiKey,
): Buffer {
  const handler = handlerOf(apiKey);
  const flexible = version >= handler.flexibleFrom;
  const head = new Writer();
  head.int16(otherKey);
  head.int16(otherVersion);
  head.int32(correlationId);
  head.nullableString('raw');
  if (flexible) head.unsignedVarint(0);
  const writer = new Writer(flexible, version);
  handler.request.write(writer, body as never);
  const payload = Buffer.concat([...head.finish(), ...writer.finish()]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(payload.length);
  return Buffer.concat([length, payload]);
}

/**
 * Decodes a complete response.
 * @throws Error if it belongs to another request, or bytes remain
 */
export function answerIn<T>(
  frame: Buffer,
  { apiKey, version, correlationId }: { apiKey: number; version: number; correlationId: number },
): T {
  const handler = handlerOf(apiKey);
  const flexible = version >= handler.flexibleFrom;
  const reader = new Reader(frame, flexible, version);
  if (reader.int32() !== correlationId) throw new Error('response to another request');
  if (flexible && apiKey !== API_VERSIONS) reader.skipTaggedFields();
  const answer = handler.response.read(reader) as T;
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes after the response`);
  return answer;
}

/** The broker closed the connection before it responded. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
}

/** A client that sends exactly the given bytes. */
export class RawClient {
  /** Resolves after the broker has closed the connection. */
  readonly closed: Promise<void>;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private ended = false;
  private correlationId = 0;

  private constructor(private readonly socket: net.Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake?.();
    });
    // The broker may close with a reset.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.ended = true;
        this.wake?.();
        resolve();
      });
    });
  }

  static async connect(port: number, host = '127.0.0.1', localAddress?: string): Promise<RawClient> {
    const socket = net.connect({ port, host, ...(localAddress !== undefined && { localAddress }) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  send(frame: Buffer): void {
    this.socket.write(frame);
  }

  /**
   * The next response, without its length.
   * @throws Error if the connection is closed before it
   */
  async frame(): Promise<Buffer> {
    for (;;) {
      if (this.received.length >= 4) {
        const length = this.received.readInt32BE(0);
        if (this.received.length >= 4 + length) {
          const frame = this.received.subarray(4, 4 + length);
          this.received = this.received.subarray(4 + length);
          return frame;
        }
      }
      if (this.ended) throw new ConnectionEndedError('the broker closed the connection');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Sends a request and decodes the complete response. */
  async call<T>(apiKey: number, version: number, body: object): Promise<T> {
    const correlationId = this.correlationId++;
    this.send(request(apiKey, version, correlationId, body));
    return answerIn<T>(await this.frame(), { apiKey, version, correlationId });
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
