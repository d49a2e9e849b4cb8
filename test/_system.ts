import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogConnection } from '@hailstream/log';
import { until } from '@hailstream/service/testing';
import { dropDatabase, makeDatabase, strikeGivenLog, environmentOf } from './_environment.js';

/** The system as a user runs it: started with the program of `npm start`, on free ports and a separate home folder. */

const root = fileURLToPath(new URL('..', import.meta.url));
const bootstrap = join(root, 'tools', 'bootstrap.mjs');

const FREE_PORTS = ['ingest', 'dashboard', 'batch', 'sim', 'router', 'broker', 'postgres'].flatMap((name) => [
  `--${name}-port`,
  '0',
]);
/** Variables of this machine's environment that must not affect the tested system. */
const CLEARED = Object.fromEntries(
  [
    'KAFKA_BROKERS',
    'DATABASE_URL',
    'AUTH_JWKS_URL',
    'AUTH_JWT_PUBLIC_KEY',
    'AUTH_JWT_SECRET',
    'AUTH_JWT_ISSUER',
    'AUTH_JWT_AUDIENCE',
    'INGEST_URL',
    'LOG_TOPICS',
    'LOG_TOPIC_PREFIX',
  ].map((name) => [name, '']),
);
/** The environment of a tested program: that of this machine, and the variables of the test. */
export function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...CLEARED, ...env };
}

const START_TIMEOUT_MS = 120_000;
const POLL_MS = 50;

type ProcessName = 'broker' | 'postgres' | 'ingest' | 'realtime' | 'batch' | 'router' | 'driverSim';

/** The contents of `run.json`. */
interface Run {
  readonly pid: number;
  readonly processes: Readonly<Record<ProcessName, number>>;
  readonly ingestUrl: string;
  readonly dashboardUrl: string;
  readonly signInUrl: string;
  readonly batchUrl: string;
  /** Only with `--router`. */
  readonly routerUrl?: string;
  readonly kafkaBrokers: string;
  readonly databaseUrl: string;
  readonly startedAt: string;
}

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** {@link until} with a name for the error message, and a time limit for whole systems on a busy machine. */
export function eventually<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 60_000,
): Promise<Exclude<T, undefined | null | false>> {
  return until(condition, { what, timeoutMs, pollMs: POLL_MS });
}

interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** With npm, as for users, or the program that npm runs, which is the one to signal. */
  readonly throughNpm?: boolean;
}

/** A command as `npm run` would run it; `result` has all that it printed. */
export class Command {
  readonly child: ChildProcess;
  readonly result: Promise<Finished>;
  stdout = '';
  stderr = '';

  constructor([name = '', ...args]: readonly string[], { env, throughNpm }: CommandOptions = {}) {
    const program = throughNpm ? ['npm', 'run', name, '--'] : [process.execPath, bootstrap, name];
    const [file = '', ...first] = program;
    this.child = spawn(file, [...first, ...args], {
      cwd: root,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.result = new Promise((done, fail) => {
      this.child.once('error', fail);
      this.child.once('close', (code) => done({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }
}

/** Runs a command until it exits. */
export function command(args: readonly string[], options?: CommandOptions): Promise<Finished> {
  return new Command(args, options).result;
}

/** A home folder that is removed on disposal, with its database. Its path is short, because it contains a socket. */
export async function temporaryHome(): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'hail-'));
  await makeDatabase(folder);
  return {
    folder,
    async [Symbol.asyncDispose]() {
      await dropDatabase(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type StartOptions = CommandOptions & { readonly args?: readonly string[] };

/** A running system. Disposal stops or kills it. */
export class System implements AsyncDisposable {
  readonly launcher: Command;

  private constructor(
    readonly home: string,
    args: readonly string[],
    private readonly options: CommandOptions,
  ) {
    this.launcher = this.begin(['start', ...FREE_PORTS, ...args]);
  }

  /** Resolves once `run.json` says that everything is ready. */
  static async start(home: string, options: StartOptions = {}): Promise<System> {
    const launchedAt = Date.now();
    const system = System.launch(home, options);
    try {
      await eventually(
        'the system is ready',
        async () => {
          if (system.launcher.child.exitCode !== null) return true;
          // A launcher that was killed has left its file behind.
          return Date.parse((await system.run()).startedAt) > launchedAt;
        },
        START_TIMEOUT_MS,
      );
      await system.run();
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      const { stdout, stderr } = system.launcher;
      throw new Error(`the system did not start:\n${stdout}${stderr}`, { cause: error });
    }
  }

  /** Starts the system without waiting for it. */
  static launch(home: string, { args = [], env, ...options }: StartOptions = {}): System {
    return new System(home, args, { ...options, env: { ...environmentOf(home), ...env } });
  }

  /** Starts a command on this system. */
  begin(args: readonly string[]): Command {
    return new Command([...args, '--home', this.home], this.options);
  }

  /** Runs a command on this system until it exits. */
  command(args: readonly string[]): Promise<Finished> {
    return this.begin(args).result;
  }

  /** The variables of its environment. */
  get env(): Readonly<Record<string, string>> {
    return this.options.env ?? {};
  }

  /** A connection to the log, to read it directly. */
  async log(): Promise<LogConnection> {
    const { kafkaBrokers } = await this.run();
    const topicPrefix = this.env['LOG_TOPIC_PREFIX'];
    return {
      brokers: kafkaBrokers.split(','),
      clientId: 'system-test',
      ...(topicPrefix && { topicPrefix }),
    };
  }

  async run(): Promise<Run> {
    return JSON.parse(await readFile(join(this.home, 'run.json'), 'utf8')) as Run;
  }

  async token(scope: 'read' | 'write'): Promise<string> {
    const { stdout } = await this.command(['token', '--scope', scope]);
    return stdout.trim();
  }

  /** Sends a request to the realtime service. @throws Error if the status is not 200 */
  async ask<T>(path: string, token: string): Promise<T> {
    const { dashboardUrl } = await this.run();
    const response = await fetch(new URL(path, dashboardUrl), {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** SIGKILLs a process and resolves once it was restarted. Returns both ids. */
  async kill(name: ProcessName): Promise<{ readonly before: number; readonly after: number }> {
    const before = (await this.run()).processes[name];
    process.kill(before, 'SIGKILL');
    const after = await eventually(`${name} is running again`, async () => {
      const pid = (await this.run()).processes[name];
      return pid !== before && pid;
    });
    return { before, after };
  }

  /** SIGKILLs the log, or one of its brokers, and resolves once it is running again. */
  async killLog(): Promise<void> {
    if (!(await strikeGivenLog('kill'))) await this.kill('broker');
  }

  /** SIGSTOPs the log until the returned function is called. */
  async pauseLog(): Promise<() => Promise<void>> {
    if (await strikeGivenLog('pause')) {
      return async () => {
        await strikeGivenLog('resume');
      };
    }
    const { broker } = (await this.run()).processes;
    process.kill(broker, 'SIGSTOP');
    return async () => {
      process.kill(broker, 'SIGCONT');
    };
  }

  /** Sends SIGINT, as Ctrl-C does. */
  stop(): Promise<Finished> {
    this.launcher.child.kill('SIGTERM');
    return this.launcher.result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.launcher.child.exitCode === null && this.launcher.child.signalCode === null) {
      this.launcher.child.kill('SIGTERM');
    }
    await this.launcher.result;
  }
}
