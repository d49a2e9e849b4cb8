import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { errorMessage, TELL_ERROR_EVERY_MS } from './error-lines.js';
import { LineSplitter } from './line-splitter.js';
import { decideRestart, RESTART_WINDOW_MS } from './restart-policy.js';
import { RotatingLog } from './rotating-log.js';

/** Longest from a program's start to its readiness. */
const READY_TIMEOUT_MS = 120_000;
const READY_POLL_MS = 50;
/** After this long the user is told what is being waited for. */
const SLOW_START_MS = 10_000;
/** Longest drain after SIGTERM, a little more than the services allow themselves. */
const STOP_TIMEOUT_MS = 45_000;
/** What is kept of stderr, to say why a program did not start. */
const MAX_STDERR_LINES = 20;

const END_WITH_PARENT = new URL('./end-with-parent.js', import.meta.url).href;

/** A Node program of ours, and how to see that it works. */
export interface Program {
  /** As the user reads it. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** Asked again and again after the start, until it says yes. */
  readonly isReady: () => Promise<boolean>;
  /** Called before each start, the first one included. */
  readonly onStart?: () => void;
  /** What the program says over its channel to us. */
  readonly onMessage?: (message: unknown) => void;
}

/** What the one who runs the process hears of it. */
export interface Watcher {
  /** It runs under this process id from now on. */
  started(pid: number): void;
  /** Something to tell the user, in one line. */
  notice(line: string): void;
  /** It ended too often; it is not started again. */
  gaveUp(error: ProcessError): void;
}

/** A program that did not start, or did not stay. */
export class ProcessError extends Error {
  override readonly name = 'ProcessError';
  readonly code = 'PROCESS_FAILED';
}

/** Runs a program in a process of its own until it is stopped: started again when it ends by itself, within bounds. */
export class SupervisedProcess {
  private readonly log: RotatingLog;
  private readonly stopped = new AbortController();
  private child: ChildProcess | undefined;
  private endedAt: number[] = [];
  private revival: Promise<void> = Promise.resolve();
  private toldErrorAt = -Infinity;

  constructor(
    readonly program: Program,
    private readonly watcher: Watcher,
  ) {
    this.log = new RotatingLog(program.logFile, (error) =>
      watcher.notice(`${program.name}: cannot write its log, lines are lost: ${error.message}`),
    );
  }

  /** Resolves once the program is ready. @throws ProcessError where it ends or dawdles instead */
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

  /** Drains the program; resolves once it has ended. Kills it where it does not end in time. */
  async stop(): Promise<void> {
    this.stopped.abort();
    await this.revival;
    const child = this.child;
    if (child !== undefined && isRunning(child)) {
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      const timer = setTimeout(() => {
        this.watcher.notice(`${this.program.name} did not stop within ${STOP_TIMEOUT_MS / 1000} s: killed`);
        child.kill('SIGKILL');
      }, STOP_TIMEOUT_MS);
      await closed.finally(() => clearTimeout(timer));
    }
    if (!this.log.writableEnded) await new Promise<void>((done) => this.log.end(done));
  }

  /** Ends the program without a drain. */
  kill(): void {
    this.stopped.abort();
    this.child?.kill('SIGKILL');
  }

  private spawn(): { child: ChildProcess; ended: Promise<string>; stderr: string[] } {
    const { program, watcher } = this;
    program.onStart?.();
    const child = spawn(
      process.execPath,
      ['--enable-source-maps', '--import', END_WITH_PARENT, program.script, ...program.args],
      // A process group of its own: Ctrl-C in the terminal reaches us alone, and we stop things in order.
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
        done(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
      );
    });
    if (child.pid !== undefined) watcher.started(child.pid);
    return { child, ended, stderr };
  }

  private tellError(line: string): void {
    const message = errorMessage(line);
    const now = performance.now();
    if (message === undefined || now - this.toldErrorAt < TELL_ERROR_EVERY_MS) return;
    this.toldErrorAt = now;
    this.watcher.notice(`${this.program.name}: ${message} (${this.program.logFile})`);
  }

  private async pollReady(signal: AbortSignal): Promise<'ready' | 'timed out' | 'was stopped'> {
    const { name, logFile, isReady } = this.program;
    const startedAt = performance.now();
    for (let told = false; !signal.aborted; await delay(READY_POLL_MS)) {
      if (await isReady()) return 'ready';
      const waitedMs = performance.now() - startedAt;
      if (waitedMs > READY_TIMEOUT_MS) return 'timed out';
      if (!told && waitedMs > SLOW_START_MS) {
        this.watcher.notice(`${name} runs but is not ready yet: see ${logFile}`);
        told = true;
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
      this.watcher.notice(`${name} ${reason}; starting it again`);
      try {
        await delay(decision.delayMs, undefined, { signal: this.stopped.signal });
        await this.start();
        return this.watcher.notice(`${name} runs again`);
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

/** Why a program did not start: its own words where it said them in plain lines, else where to look. */
export function explain(name: string, how: string, stderr: readonly string[], logFile: string): string {
  const lines = stderr.filter((line) => line.trim() !== '');
  const hasStack = lines.some((line) => /^\s+at /.test(line));
  if (lines.length > 0 && !hasStack) {
    return lines.map((line) => (line.startsWith(`${name}: `) ? line : `${name}: ${line}`)).join('\n');
  }
  return `${name} ${how} before it was ready: see ${logFile}`;
}
