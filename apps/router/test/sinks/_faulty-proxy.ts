import { createServer, request as sendRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An HTTP proxy of a server that resets the connections of requests it is told to fail. Signatures stay valid. */
export class FaultyProxy implements AsyncDisposable {
  /** Whether to reset the connection of a request, before the server receives it. @default never */
  fails: (request: IncomingMessage) => boolean = () => false;
  private readonly server = createServer((request, response) => this.forward(request, response));

  private constructor(private readonly target: string) {}

  static async start(target: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private forward(request: IncomingMessage, response: ServerResponse): void {
    if (this.fails(request)) return void request.socket.destroy();
    const { method, url, headers } = request;
    const forwarded = sendRequest(`${this.target}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.on('error', () => request.socket.destroy());
    request.pipe(forwarded);
  }
}
