import { UsageError } from '@hailstream/service/command-line';
import { freePort, listenProblem } from '@hailstream/service/ports';
import { type Listener, PORT_OPTIONS } from './options.js';

/**
 * Checks that the given ports can be listened on, and chooses a free port for each 0.
 *
 * @throws UsageError if a port is in use, with a line for each
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
    else if (twin)
      problems.push(`--${option}: port ${port} is already used by --${PORT_OPTIONS[twin].option}`);
    else {
      chosen[name] = port;
      const problem = await listenProblem(port, host);
      if (problem) problems.push(`--${option}: cannot listen on ${host}:${port}: ${problem}`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return chosen as Record<Listener, number>;
}
