import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ephemeral ports, which the system may assign to an outgoing connection before the caller listens. */
const RANGE = { from: 20_000, to: 32_000 } as const;
const MAX_TRIES = 200;

/**
 * A port that can be listened on. Nothing reserves it: another process may take it before the caller does.
 *
 * @param excluded ports that the caller has already chosen
 * @throws Error if no port was found
 */
export async function freePort(host = '127.0.0.1', excluded: readonly number[] = []): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(RANGE.from, RANGE.to);
    if (!excluded.includes(port) && (await listenProblem(port, host)) === undefined) return port;
  }
  throw new Error(`no free port on ${host} in ${MAX_TRIES} tries from ${RANGE.from} to ${RANGE.to}`);
}

/** Why the port cannot be listened on; `undefined` if it can. */
export function listenProblem(port: number, host: string): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('the port is in use');
      else if (error.code === 'EACCES') resolve('permission denied');
      else resolve(error.code ?? error.message);
    });
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
