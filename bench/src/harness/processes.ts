import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '@hailstream/service/ports';
import { BROKER_V8_OPTIONS } from '@hailstream/tools/v8-options';

/** Time limits for a process to become ready, and to stop on request. */
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
const READY_POLL_MS = 50;

/** Last characters of a process's output that are kept and shown if it fails. */
const OUTPUT_TAIL = 4_000;

/** Unit of the times in `/proc`. */
const TICKS_PER_SECOND = 100;

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
  /** Options of Node. @default none */
  nodeOptions?: readonly string[];
  env: Readonly<Record<string, string>>;
  port?: number;
  readyPath: string;
  /** @default 30_000 */
  readyWithinMs?: number;
}): Promise<SystemProcess> {
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const child = start(
    process.execPath,
    [...(options.nodeOptions ?? []), options.script, ...(options.args ?? [])],
    { ...options.env, HOST: '127.0.0.1', PORT: String(port) },
  );
  await readyWhen(child, () => answers(`${url}${options.readyPath}`), options.readyWithinMs);
  return toSystemProcess(url, child);
}

/** Starts the embedded broker in a separate process, by default on a free port. `url` is its `host:port`. */
export async function startBrokerProcess(
  dataDir: string,
  givenPort?: number,
  settings: readonly string[] = [],
): Promise<SystemProcess> {
  const port = givenPort ?? (await freePort());
  const args = ['--port', String(port), '--data-dir', dataDir];
  const child = start(
    process.execPath,
    [
      ...BROKER_V8_OPTIONS,
      'libs/log/dist/broker/main.js',
      ...args,
      ...settings.flatMap((setting) => ['--set', setting]),
    ],
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

/** A program that is not part of the system: a reference, or a server for both sides. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** The end of its output. */
  output(): string;
  /** Resolves once it has exited. @throws Error if its exit code is not 0 */
  readonly exited: Promise<void>;
}

/** Starts a program with these arguments, in the repository's folder. It is ended on disposal. */
export function startProgram(options: {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}): Program {
  const { process: child, pid, output } = start(options.command, options.args, options.env);
  const exited = once(child, 'close').then(([code]) => {
    if (code !== 0) throw new Error(`${options.command} exited with code ${String(code)}:\n${output()}`);
  });
  // A program that is ended on disposal is not awaited.
  exited.catch(() => undefined);
  return { pid, output, exited, [Symbol.asyncDispose]: () => stop(child) };
}

/** Starts a script of the repository, which is ended on disposal. */
export function startScript(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Program {
  return startProgram({ command: process.execPath, args: [script, ...args], env });
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

/** User and system time that a process has used, in seconds. Linux only. */
export async function cpuSeconds(pid: number): Promise<number> {
  const fields = await statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** User and system time of a process and the processes that it has started and that run, in seconds. Linux only. */
export async function treeCpuSeconds(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'latin1')).split(' ').filter(Boolean);
  const times = await Promise.all([
    cpuSeconds(pid),
    ...children.map((child) => treeCpuSeconds(Number(child))),
  ]);
  return times.reduce((sum, seconds) => sum + seconds, 0);
}

/** User and system time of the children of a process that have ended, and of theirs, in seconds. Linux only. */
export async function childrenCpuSeconds(pid: number): Promise<number> {
  const fields = await statOf(pid);
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** The fields from state (3) on, among them utime (14), stime (15), cutime (16) and cstime (17). */
async function statOf(pid: number): Promise<string[]> {
  // The name, in parentheses, may have spaces.
  return (await readFile(`/proc/${pid}/stat`, 'latin1')).replace(/^.*\) /s, '').split(' ');
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
  return start(process.execPath, [script, ...args], env);
}

function start(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(command, args, {
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

async function readyWhen(
  child: Child,
  ready: () => Promise<boolean>,
  withinMs = READY_WITHIN_MS,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
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
