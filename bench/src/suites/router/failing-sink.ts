import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How a sink fails. */
export type Fault = 'refuses connections' | 'responds 503' | 'does not respond';

/** An HTTP server that accepts everything until it fails. */
export class FailingSink implements AsyncDisposable {
  private fault: Fault | undefined;
  private unanswered = 0;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {
    server.on('request', (request, response: ServerResponse) => {
      request.resume();
      if (this.fault === 'does not respond') this.unanswered += 1;
      else request.on('end', () => response.writeHead(this.fault ? 503 : 200).end('{}'));
    });
  }

  static async start(): Promise<FailingSink> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FailingSink(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Whether a request waits for a response that never comes. */
  get isWaitedFor(): boolean {
    return this.unanswered > 0;
  }

  fail(fault: Fault): void {
    this.fault = fault;
    if (fault === 'refuses connections') this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server.listening) return;
    const closed = once(this.server, 'close');
    this.close();
    await closed;
  }

  private close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}
