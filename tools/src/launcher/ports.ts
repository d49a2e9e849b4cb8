import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { UsageError } from '../usage-error.js';
import { type Listener, PORT_OPTIONS } from './options.js';

/** Free ports are looked for below those that systems give to outgoing connections, which come and go. */
const FREE_PORTS = { from: 20_000, to: 32_000 } as const;
const MAX_TRIES = 200;

/**
 * Ports that can be listened on now: those given, and a free one in place of each 0.
 *
 * @throws UsageError with a line for each port that is taken
 */
export async function choosePorts(
  wanted: Readonly<Partial<Record<Listener, { readonly port: number; readonly host: string }>>>,
): Promise<Record<Listener, number>> {
  const chosen: Partial<Record<Listener, number>> = {};
  const problems: string[] = [];
  for (const [key, { port, host }] of Object.entries(wanted)) {
    const name = key as Listener;
    const { option } = PORT_OPTIONS[name];
    const twin = Object.entries(chosen).find(([, taken]) => taken === port)?.[0] as Listener | undefined;
    if (port === 0) chosen[name] = await freePort(host, Object.values(chosen));
    else if (twin) problems.push(`--${option}: port ${port} is --${PORT_OPTIONS[twin].option}'s already`);
    else {
      chosen[name] = port;
      const problem = await listenProblem(port, host);
      if (problem) problems.push(`--${option}: cannot listen on ${host}:${port}: ${problem}`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return chosen as Record<Listener, number>;
}

async function freePort(host: string, taken: readonly number[]): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to);
    if (!taken.includes(port) && (await listenProblem(port, host)) === undefined) return port;
  }
  throw new UsageError(`no free port found from ${FREE_PORTS.from} to ${FREE_PORTS.to}`);
}

/** Why the port can't be listened on; `undefined` where it can. */
function listenProblem(port: number, host: string): Promise<string | undefined> {
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
