import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, REPORT_ERROR_EVERY_MS } from './error-lines.js';
import { LineSplitter } from './line-splitter.js';
import { decideRestart, RESTART_WINDOW_MS } from './restart-policy.js';
import { RotatingLog } from './rotating-log.js';

/** Time limit from a program's start to its readiness. */
const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 50;
/** After this time, the launcher reports that the program is not ready. */
const SLOW_START_MS = 10_000;
/** Time limit of the drain after SIGTERM, longer than the services' own limit. */
const STOP_TIMEOUT_MS = 45_000;
/** Lines of stderr that are kept for the error if a program does not start. */
const MAX_STDERR_LINES = 20;

const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/** One of the system's programs, and how to check that it is ready. */
export interface Program {
  /** Name in messages. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** Further options of Node. @default none */
  readonly nodeOptions?: readonly string[];
  /** Its complete environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Polled after the start until it returns true. */
  readonly isReady: () => Promise<boolean>;
  /** Called before each start, including the first. */
  readonly onStart?: () => void;
  /** Called with each message of the program on its IPC channel. */
  readonly onMessage?: (message: unknown) => void;
}

/** Callbacks of a supervised process. */
interface Watcher {
  /** The process was started with this id. */
  started(pid: number): void;
  /** A line for the user. */
  notice(line: string): void;
  /** The process has exited too often and is not restarted. */
  gaveUp(error: ProcessError): void;
}

/** A program did not start, or exited too often. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code = 'PROCESS_FAILED';
}

/** Runs a program in a separate process, and restarts it, a limited number of times, if it exits unexpectedly. */
export class SupervisedProcess {
  private readonly log: RotatingLog;
  private readonly stopped = new AbortController();
  private child: ChildProcess | undefined;
  private endedAt: number[] = [];
  private revival: Promise<void> = Promise.resolve();
  private reportedErrorAt = -Infinity;

  constructor(
    readonly program: Program,
    private readonly watcher: Watcher,
  ) {
    this.log = new RotatingLog(program.logFile, (error) =>
      watcher.notice(`${program.name}: cannot write its log, lines are dropped: ${error.message}`),
    );
  }

  /** Resolves once the program is ready. @throws ProcessError if it exits or is not ready in time */
  async start(): Promise<void> {
    const { name, logFile } = this.program;
    const run = this.spawn();
    const ready = new AbortController();
    const cancelled = AbortSignal.any([this.stopped.signal, ready.signal]);
    try {
      const outcome = await Promise.race([run.ended, this.pollReady(cancelled)]);
      if (outcome === 'ready') {
        void run.ended.then((how) => (this.revival = this.revive(how)));
        return;
      }
      if (outcome === 'timed out') {
        run.child.kill('SIGKILL');
        await run.ended;
      }
      const how = outcome === 'timed out' ? `was not ready within ${READY_TIMEOUT_MS / 1000} s` : outcome;
      throw new ProcessError(explain(name, how, run.stderr, logFile));
    } finally {
      ready.abort();
    }
  }

  /** Drains the program and resolves once it has exited. Kills it if it does not exit in time. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.revival;
    const child = this.child;
    if (child !== undefined && isRunning(child)) {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        this.watcher.notice(
          `${this.program.name} did not stop within ${STOP_TIMEOUT_MS / 1000} s and was killed`,
        );
        child.kill('SIGKILL');
      }, STOP_TIMEOUT_MS);
      await closed.finally(() => clearTimeout(timer));
    }
    if (!this.log.writableEnded) await new Promise<void>((done) => this.log.end(done));
  }

  /** Kills the program without a drain. */
  kill(): void {
    this.stopped.abort();
    this.child?.kill('SIGKILL');
  }

  private spawn(): { child: ChildProcess; ended: Promise<string>; stderr: string[] } {
    const { program, watcher } = this;
    program.onStart?.();
    const child = spawn(
      process.execPath,
      [
        ...['--enable-source-maps', '--import', END_WITH_PARENT],
        ...(program.nodeOptions ?? []),
        ...[program.script, ...program.args],
      ],
      // A separate process group: Ctrl-C in the terminal reaches only the launcher, which stops the programs in order.
      { env: program.env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
    );
    this.child = child;
    const stderr: string[] = [];
    child.stdout?.pipe(this.log, { end: false });
    child.stdout?.pipe(new LineSplitter((line) => this.tellError(line)));
    child.stderr?.pipe(this.log, { end: false });
    child.stderr?.pipe(
      new LineSplitter((line) => {
        if (stderr.length < MAX_STDERR_LINES) stderr.push(line);
      }),
    );
    if (program.onMessage) child.on('message', program.onMessage);
    const ended = new Promise<string>((done) => {
      child.once('error', (error) => done(`cannot be run: ${error.message}`));
      child.once('close', (code, signal) =>
        done(signal ? `was ended by ${signal}` : `exited with code ${code}`),
      );
    });
    if (child.pid !== undefined) watcher.started(child.pid);
    return { child, ended, stderr };
  }

  private tellError(line: string): void {
    const message = errorMessage(line);
    const now = performance.now();
    if (message === undefined || now - this.reportedErrorAt < REPORT_ERROR_EVERY_MS) return;
    this.reportedErrorAt = now;
    this.watcher.notice(`${this.program.name}: ${message} (${this.program.logFile})`);
  }

  private async pollReady(signal: AbortSignal): Promise<'ready' | 'timed out' | 'was stopped'> {
    const { name, logFile, isReady } = this.program;
    const startedAt = performance.now();
    for (let hasNotified = false; !signal.aborted; await delay(READY_POLL_MS)) {
      if (await isReady()) return 'ready';
      const waitedMs = performance.now() - startedAt;
      if (waitedMs > READY_TIMEOUT_MS) return 'timed out';
      if (!hasNotified && waitedMs > SLOW_START_MS) {
        this.watcher.notice(`${name} is running but not ready yet: see ${logFile}`);
        hasNotified = true;
      }
    }
    return 'was stopped';
  }

  private async revive(how: string): Promise<void> {
    const { name } = this.program;
    for (let reason = how; !this.stopped.signal.aborted;) {
      const now = performance.now();
      this.endedAt = [...this.endedAt.filter((time) => time > now - RESTART_WINDOW_MS), now];
      const decision = decideRestart(this.endedAt, now);
      if (decision.kind === 'give-up') {
        const within = `${decision.ends} times within ${RESTART_WINDOW_MS / 1000} s`;
        return this.watcher.gaveUp(
          new ProcessError(`${name} ${reason}, ${within}: see ${this.program.logFile}`),
        );
      }
      this.watcher.notice(`${name} ${reason}, restarting it`);
      try {
        await delay(decision.delayMs, undefined, { signal: this.stopped.signal });
        await this.start();
        return this.watcher.notice(`${name} is running again`);
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        reason = error instanceof ProcessError ? 'did not start' : String(error);
      }
    }
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Why a program did not start: its output on stderr if it has any, otherwise the name of its log file. */
export function explain(name: string, how: string, stderr: readonly string[], logFile: string): string {
  const lines = stderr.filter((line) => line.trim() !== '');
  const hasStack = lines.some((line) => /^\s+at /.test(line));
  if (lines.length > 0 && !hasStack) {
    return lines.map((line) => (line.startsWith(`${name}: `) ? line : `${name}: ${line}`)).join('\n');
  }
  return `${name} ${how} before it was ready: see ${logFile}`;
}
