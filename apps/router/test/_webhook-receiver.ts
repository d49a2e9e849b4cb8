import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export const WEBHOOK_SECRET = 'a secret shared with the receiver';

interface ReceivedBatch {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly partition: number;
  readonly events: readonly {
    readonly device_id: string;
    readonly timestamp: number;
    readonly telemetry_id: string;
  }[];
}

/** Chooses the status of a response; 0 closes the connection. `attempt` counts all requests. */
type Respond = (batch: ReceivedBatch, attempt: number) => number | Promise<number>;

/** An endpoint that keeps the batches it accepts. `respond` can be replaced at any time. */
export async function startReceiver(respond: Respond = () => 200) {
  const accepted: ReceivedBatch[] = [];
  let attempts = 0;
  const receiver = { accepted, respond, url: '', [Symbol.asyncDispose]: dispose };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { partition, records } = JSON.parse(text) as {
        partition: number;
        records: { event: ReceivedBatch['events'][number] }[];
      };
      const batch = { headers: request.headers, text, partition, events: records.map(({ event }) => event) };
      attempts += 1;
      void Promise.resolve(receiver.respond(batch, attempts)).then((status) => {
        if (status === 0) return void request.socket.destroy();
        if (status < 300) accepted.push(batch);
        response.writeHead(status).end(status === 422 ? 'unknown vehicle' : '');
      });
    });
  });
  async function dispose(): Promise<void> {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return receiver;
}
