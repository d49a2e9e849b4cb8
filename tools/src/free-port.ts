import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { UsageError } from './usage-error.js';

/** Free ports are looked for below those that systems give to outgoing connections, which come and go. */
const FREE_PORTS = { from: 20_000, to: 32_000 } as const;
const MAX_TRIES = 200;

/** A port that can be listened on now, and is none of those. @throws UsageError where none is found */
export async function freePort(host: string, taken: readonly number[]): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to);
    if (!taken.includes(port) && (await listenProblem(port, host)) === undefined) return port;
  }
  throw new UsageError(`no free port found from ${FREE_PORTS.from} to ${FREE_PORTS.to}`);
}

/** Why the port can't be listened on; `undefined` where it can. */
export function listenProblem(port: number, host: string): Promise<string | undefined> {
  const server = createServer();
  return new Promise((done) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') done('the port is in use');
      else if (error.code === 'EACCES') done('not permitted');
      else done(error.code ?? error.message);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => done(undefined)));
  });
}
