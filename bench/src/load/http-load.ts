import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensureNeeds } from '@hailstream/tools/needs';
import { buildGoProgram } from '../harness/go-programs.js';
import type { Percentiles } from '../harness/report.js';

const run = promisify(execFile);
const reference = (path: string) => fileURLToPath(new URL(`../../reference/${path}`, import.meta.url));

/** Time limit of a generator after the end of its load: a request takes at most a few seconds. */
const GRACE_MS = 30_000;

/** A server that receives requests, and what is posted to it. */
export interface LoadTarget {
  /** `http://host:port` */
  readonly url: string;
  readonly path: string;
  /** A bearer token; `undefined` if none is sent. */
  readonly token: string | undefined;
  /** A file with a body per line. */
  readonly bodies: string;
  readonly connections: number;
}

/** Result of a closed loop. */
interface Saturation {
  readonly requests: number;
  readonly seconds: number;
}

/** @throws MissingNeedsError if wrk or Go is missing */
export async function prepareHttpLoad(): Promise<void> {
  await ensureNeeds('The benchmark', ['wrk', 'go']);
  await buildOpenLoop();
}

/** The maximum rate, by wrk: each connection has one request in flight. @throws Error if a response is not 2xx */
export async function saturateByWrk(target: LoadTarget, durationMs: number): Promise<Saturation> {
  const { url, path, token, bodies, connections } = target;
  const headers = [
    'Content-Type: application/json',
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
  const { stdout } = await run(
    'wrk',
    [
      ...[
        '--threads',
        '1',
        '--connections',
        String(connections),
        '--duration',
        `${durationMs / 1_000}s`,
        '--timeout',
        '10s',
      ],
      ...['--script', reference('wrk/bodies.lua'), ...headers.flatMap((header) => ['--header', header])],
      url + path,
    ],
    { env: { ...process.env, BODIES: bodies }, timeout: durationMs + GRACE_MS },
  );
  const { requests, micros, failed } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    readonly requests: number;
    readonly micros: number;
    readonly failed: number;
  };
  if (failed > 0) throw new Error(`${failed} of ${requests} requests to ${url} failed:\n${stdout}`);
  return { requests, seconds: micros / 1_000_000 };
}

/** Latency at a fixed rate, from the planned time of a request. @throws Error if a response is not 2xx, or too many wait */
export async function openLoopLatency(
  { url, path, token, bodies, connections }: LoadTarget,
  load: { readonly durationMs: number; readonly ratePerSecond: number },
): Promise<Percentiles> {
  const { stdout } = await run(
    await buildOpenLoop(),
    [
      ...['-address', new URL(url).host, '-path', path, '-bodies', bodies],
      ...(token === undefined ? [] : ['-token', token]),
      ...['-connections', String(connections), '-rate', String(load.ratePerSecond)],
      ...['-duration', `${load.durationMs}ms`],
    ],
    { timeout: load.durationMs + GRACE_MS },
  );
  return JSON.parse(stdout) as Percentiles;
}

function buildOpenLoop(): Promise<string> {
  return buildGoProgram({ name: 'open-loop', folder: reference('open-loop') });
}
