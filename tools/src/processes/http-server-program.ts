import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@hailstream/service/ports';
import { ProcessFolder } from './process-folder.js';

const HOST = '127.0.0.1';
/** Time limit from the start of a program until it responds. */
const READY_TIMEOUT_MS = 180_000;
const READY_POLL_MS = 100;
/** Time limit of one response: a program that is starting may accept connections without responding. */
const RESPONSE_TIMEOUT_MS = 2_000;
/** Attempts to start a program: another process may have taken the free port in the meantime. */
const START_ATTEMPTS = 3;
const LOG_TAIL_CHARS = 3_000;

/** A third-party server that responds to HTTP requests. */
interface HttpServerOptions {
  /** In messages, and in the name of its folder. */
  readonly name: string;
  /** A path to which it responds with 2xx once it is ready. */
  readonly readyPath: string;
  /** Creates what it expects in its empty folder. */
  prepare?(folder: string): Promise<void>;
  /** The command that starts it, with its data in the folder. */
  commandFor(place: { readonly host: string; readonly port: number; readonly folder: string }): {
    readonly command: string;
    readonly args: readonly string[];
  };
}

/** A third-party program could not be started; the message includes its last output. */
class ProgramError extends Error {
  override readonly name = 'ProgramError';
  readonly code = 'NOT_STARTED';
}

/**
 * A third-party server on a free port of 127.0.0.1, with its data in a temporary folder. Disposal, or the end of this process for
 * any reason, stops it and deletes its data.
 */
export class HttpServerProgram implements AsyncDisposable {
  private readonly folder: ProcessFolder;
  private readonly logFile: string;
  private child: ChildProcess | undefined;

  private constructor(
    private readonly options: HttpServerOptions,
    private readonly port: number,
  ) {
    this.folder = new ProcessFolder(`hailstream-${options.name}-`);
    this.logFile = join(this.folder.path, 'output.log');
  }

  /** @throws ProgramError if it does not start */
  static async start(options: HttpServerOptions): Promise<HttpServerProgram> {
    for (let attempt = 1; ; attempt += 1) {
      const program = new HttpServerProgram(options, await freePort(HOST));
      try {
        await options.prepare?.(program.dataDir);
        await program.restart();
        return program;
      } catch (error) {
        await program[Symbol.asyncDispose]();
        const lostRace = (error as Error).message.includes('ddress already in use');
        if (!lostRace || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  get url(): string {
    return `http://${HOST}:${this.port}`;
  }

  /** The folder with its data. */
  get dataDir(): string {
    return this.folder.path;
  }

  /** Ends it, with SIGTERM by default. `restart` starts it again. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (!this.isRunning || this.child === undefined) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }

  /**
   * Starts it on its data and its port, after stopping it if it runs; resolves once it is ready.
   *
   * @throws ProgramError if it does not start
   */
  async restart(): Promise<void> {
    await this.stop();
    const place = { host: HOST, port: this.port, folder: this.folder.path };
    const log = openSync(this.logFile, 'a');
    try {
      const { command, args } = this.options.commandFor(place);
      this.child = this.folder.spawn({ command, args, stdio: ['ignore', log, log] });
    } finally {
      closeSync(log);
    }
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await this.isReady())) {
      if (!this.isRunning) throw await this.failure('ended before it was ready');
      if (performance.now() > deadline) throw await this.failure('did not become ready');
      await delay(READY_POLL_MS);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.folder[Symbol.asyncDispose]();
  }

  private get isRunning(): boolean {
    const { child } = this;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  private async isReady(): Promise<boolean> {
    const signal = AbortSignal.timeout(RESPONSE_TIMEOUT_MS);
    return fetch(`${this.url}${this.options.readyPath}`, { signal }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  private async failure(what: string): Promise<ProgramError> {
    const output = (await readFile(this.logFile, 'utf8')).trim().slice(-LOG_TAIL_CHARS);
    return new ProgramError(`${this.options.name} ${what}:\n${output}`);
  }
}
