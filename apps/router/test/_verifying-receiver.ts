import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** A batch whose signature is valid. */
export interface VerifiedBatch {
  readonly id: string;
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly { readonly offset: string; readonly event: Record<string, unknown> }[];
}

/** An endpoint that verifies requests with the library of Standard Webhooks, and refuses those that it did not sign. */
export class VerifyingReceiver implements AsyncDisposable {
  /** Requests that had no valid signature. */
  invalid = 0;
  private readonly webhook: Webhook;
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = request.headers as Record<string, string>;
      let batch: Omit<VerifiedBatch, 'id'>;
      try {
        batch = this.webhook.verify(Buffer.concat(chunks), headers) as Omit<VerifiedBatch, 'id'>;
      } catch (error) {
        this.invalid += 1;
        return void response.writeHead(401).end((error as Error).message);
      }
      const status = this.respond({ ...batch, id: headers['webhook-id'] ?? '' });
      response.writeHead(status).end();
    });
  });
  private port = 0;

  private constructor(
    secret: string,
    private readonly respond: (batch: VerifiedBatch) => number,
  ) {
    this.webhook = new Webhook(secret);
  }

  /** @param respond returns the status of the response to a valid batch */
  static async start(secret: string, respond: (batch: VerifiedBatch) => number): Promise<VerifyingReceiver> {
    const receiver = new VerifyingReceiver(secret, respond);
    await receiver.restart();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  /** Refuses connections until it is restarted. */
  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async restart(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.server.listening) await this.stop();
  }
}
