import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@hailstream/service/ports';

/** Time limits for a process to become ready, and to stop on request. */
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
const READY_POLL_MS = 50;

/** Last characters of a process's output that are kept and shown if it fails. */
const OUTPUT_TAIL = 4_000;

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** A separate process of the system under test, as in production. */
export interface SystemProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** The end of its output. */
  output(): string;
}

/** Starts `script` (a path in the repository), by default on a free port, and waits until `readyPath` returns 200. */
export async function startHttpProcess(options: {
  script: string;
  args?: readonly string[];
  env: Readonly<Record<string, string>>;
  port?: number;
  readyPath: string;
}): Promise<SystemProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = startProcess(options.script, options.args ?? [], {
    ...options.env,
    HOST: '127.0.0.1',
    PORT: String(port),
  });
  await readyWhen(child, () => answers(`${url}${options.readyPath}`));
  return toSystemProcess(url, child);
}

/** Starts the embedded broker in a separate process, by default on a free port. `url` is its `host:port`. */
export async function startBrokerProcess(dataDir: string, givenPort?: number): Promise<SystemProcess> {
  const port = givenPort ?? (await freePort());
  const child = startProcess(
    'libs/log/dist/broker/main.js',
    ['--port', String(port), '--data-dir', dataDir],
    {},
  );
  await readyWhen(child, () => Promise.resolve(child.output().includes(String(port))));
  return toSystemProcess(`127.0.0.1:${port}`, child);
}

/** Runs a script until it exits and returns its output. @throws Error if its exit code is not 0 */
export async function runToEnd(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = startProcess(script, args, env);
  const [code] = (await once(child.process, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${script} exited with code ${code}:\n${child.output()}`);
  return child.output();
}

/** A new temporary folder, removed on disposal. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'hailstream-bench-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Resident memory of a process, in MiB. */
export async function residentMiB(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout) / 1024;
}

interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  output(): string;
}

function toSystemProcess(url: string, { process: child, pid, output }: Child): SystemProcess {
  return { url, pid, output, [Symbol.asyncDispose]: () => stop(child) };
}

function startProcess(script: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: repository,
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-OUTPUT_TAIL);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return { process: child, pid: child.pid ?? Number.NaN, output: () => tail };
}

async function readyWhen(child: Child, ready: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!(await ready())) {
    if (child.process.exitCode !== null || performance.now() > giveUpAt) {
      await stop(child.process);
      throw new Error(`a process of the system did not become ready:\n${child.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status === 200;
  } catch {
    // Not listening yet; retried until READY_WITHIN_MS have passed.
    return false;
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  const force = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  child.kill('SIGTERM');
  await closed;
  clearTimeout(force);
}
