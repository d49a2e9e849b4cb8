import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment, eventually, type System } from './_system.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** An additional process of a service. */
interface MoreOfAService extends AsyncDisposable {
  readonly url: string;
  /** SIGTERM; resolves to the exit code once it has drained. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Starts an additional process of a service on the log and database of the system; resolves once it is ready. */
export async function oneMore(
  service: 'ingest' | 'realtime' | 'batch',
  system: System,
  secret: string,
): Promise<MoreOfAService> {
  const { kafkaBrokers, databaseUrl } = await system.run();
  const child = spawn(process.execPath, [join(root, `apps/${service}/dist/main.js`)], {
    env: environment({
      ...system.env,
      KAFKA_BROKERS: kafkaBrokers,
      DATABASE_URL: databaseUrl,
      AUTH_JWT_SECRET: secret,
      BATCH_EVERY: '1s',
      PORT: '0',
    }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const url = await eventually(
    `the additional ${service} listens`,
    () => /"url":"([^"]+)"/.exec(stdout)?.[1],
  );
  await eventually(`the additional ${service} is ready`, async () => (await fetch(`${url}/health/ready`)).ok);
  return {
    url,
    stop: () => end(child, 'SIGTERM'),
    kill: async () => void (await end(child, 'SIGKILL')),
    [Symbol.asyncDispose]: async () => void (await end(child, 'SIGKILL')),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
  return child.exitCode;
}

/** A round-robin proxy: each request goes to the next address, or to the one after it if that one is unreachable. */
export async function inTurn(urls: readonly string[]): Promise<{ readonly url: string } & AsyncDisposable> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => forward(urls.length));
    function forward(triesLeft: number): void {
      turn += 1;
      const target = new URL(incoming.url ?? '/', urls[turn % urls.length]);
      const { method, headers } = incoming;
      const asked = request(target, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      asked.once('error', () => (triesLeft > 1 ? forward(triesLeft - 1) : outgoing.writeHead(502).end()));
      asked.end(Buffer.concat(chunks));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
