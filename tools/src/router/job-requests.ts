import { parseArgs } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';

/** The commands that ask a running router. */
export type JobCommand = 'jobs' | 'pause' | 'resume';

export const JOBS_USAGE = `jobs [--json]
    prints the state of each job of a running router
pause NAME [--json]
    stops the deliveries of a job until it is resumed or the router is restarted
resume NAME [--json]
    continues the deliveries of a job
  --url URL       address of the router (the one of npm start --router)
  --home DIR      home folder of the running system (.hailstream)`;

/** A request to the HTTP API of a router. */
interface JobRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The scope that the token must have. */
  readonly scope: 'read' | 'operate';
  /** `undefined` if the router of the running system is asked. */
  readonly url: string | undefined;
  readonly json: boolean;
}

export function isJobCommand(command: string | undefined): command is JobCommand {
  return command === 'jobs' || command === 'pause' || command === 'resume';
}

/** @throws UsageError */
export function parseJobRequest(command: JobCommand, args: readonly string[]): JobRequest {
  const { values, positionals } = parseOptions(args);
  const { url, json = false } = values;
  if (url !== undefined && !/^https?:\/\//.test(url)) {
    throw new UsageError(`--url: expected a URL that starts with http:// or https://, got "${url}"`);
  }
  const [name, ...rest] = positionals;
  if (command === 'jobs') {
    if (name !== undefined) throw new UsageError(`jobs: expected no name, got "${name}"`);
    return { method: 'GET', path: '/jobs', scope: 'read', url, json };
  }
  if (name === undefined || rest.length > 0) throw new UsageError(`${command}: expected the name of one job`);
  const path = `/jobs/${encodeURIComponent(name)}/${command}`;
  return { method: 'POST', path, scope: 'operate', url, json };
}

function parseOptions(args: readonly string[]) {
  try {
    const options = { url: { type: 'string' }, json: { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split(/\.?\n|\. /);
    throw new UsageError(`${sentence}; known options: --url --json --home`);
  }
}

/**
 * Sends the request to the router.
 *
 * @throws UsageError if the router is unreachable or refuses the request
 */
export async function sendJobRequest(
  url: string,
  { method, path }: JobRequest,
  token: string | undefined,
): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
  } catch (error) {
    const { cause } = error as { readonly cause?: Error };
    throw new UsageError(`router at ${url} is unreachable: ${cause?.message ?? String(error)}`);
  }
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const hint = response.status === 401 ? ': set AUTH_JWT_SECRET, or the --home of the running system' : '';
  throw new UsageError(`router at ${url}: ${response.status} ${detailOf(text)}${hint}`);
}

/** The detail of a problem response (RFC 9457); of another response, its first line. */
function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text) as { readonly detail?: string; readonly title?: string };
    return detail ?? title ?? '';
  } catch {
    // Not a response of the router, such as a proxy's HTML.
    return text.split('\n')[0] ?? '';
  }
}
