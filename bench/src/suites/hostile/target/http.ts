import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';

/** Time limit of a response. */
const RESPONSE_WITHIN_MS = 30_000;

interface Response {
  /** 0 if the connection was closed without a response. */
  readonly status: number;
  readonly text: string;
}

/** Sends a request on a connection of its own. A response may arrive before the body was sent. */
export function send(
  url: string,
  options: {
    readonly method?: string;
    readonly token?: string | undefined;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
  } = {},
): Promise<Response> {
  const { method = 'GET', token, headers, body } = options;
  return new Promise((resolve) => {
    const closed: Response = { status: 0, text: '' };
    const request = httpRequest(
      url,
      {
        method,
        agent: false,
        timeout: RESPONSE_WITHIN_MS,
        headers: {
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        response.on('data', (chunk: Buffer) => void chunks.push(chunk));
        response.once('close', done);
        // After an early response, the server closes the connection while the body is being sent.
        response.once('error', done);
      },
    );
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(closed));
    request.end(body);
  });
}

export function post(
  url: string,
  body: unknown,
  token?: string,
  headers?: Readonly<Record<string, string>>,
): Promise<Response> {
  const bytes = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return send(url, { method: 'POST', token, body: bytes, ...(headers && { headers }) });
}

/** A connection on which bytes are sent as they are. */
export class RawConnection {
  received = '';
  closed = false;

  private constructor(private readonly socket: ReturnType<typeof connect>) {
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** Resolves once connected, or refused. */
  static open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      const connection = new RawConnection(socket);
      socket.once('connect', () => resolve(connection));
      socket.once('close', () => resolve(connection));
    });
  }

  write(bytes: string | Buffer): void {
    if (!this.closed) this.socket.write(bytes);
  }

  /** Ends the request. The response can still arrive. */
  end(): void {
    this.socket.end();
  }

  /** Stops reading. */
  pause(): void {
    this.socket.pause();
  }

  /** Resolves to whether the condition holds within the time. */
  async until(condition: (connection: this) => boolean, withinMs: number): Promise<boolean> {
    const giveUpAt = performance.now() + withinMs;
    while (!condition(this)) {
      if (performance.now() > giveUpAt) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }

  /** The status of the first response; 0 without one. */
  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3})/.exec(this.received)?.[1] ?? 0);
  }

  destroy(): void {
    this.socket.destroy();
  }
}
