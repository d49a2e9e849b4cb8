import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessFolder } from '@hailstream/tools/process-folder';

/** Longest that a program may take that is asked for one thing. */
const TIMEOUT_MS = 120_000;
/** Longest that a program may take to end in order. */
const END_TIMEOUT_MS = 60_000;
/** What Java ends with, however orderly, when it was asked to by SIGTERM. */
const JAVA_TERMINATED = 128 + 15;
/** What is shown of a program's output when it fails. */
const TAIL_CHARS = 3_000;

/** What is run, and what it finds. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files, by their names, in the folder that it runs in. */
  readonly files?: Readonly<Record<string, string>>;
  /** What it reads, then the end. @default nothing */
  readonly input?: string;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of somebody else, while it runs: it ends with its disposal, or with this process. */
export class Program implements AsyncDisposable {
  /** The exit code, null where a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly #folder = new ProcessFolder('hailstream-client-');
  readonly #child: ChildProcess;
  readonly #said = { stdout: '', stderr: '' };
  readonly #line: string;

  constructor({ command, args, env, files = {}, input = '' }: Command) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.#folder.path, name), text);
    this.#line = [command, ...args].join(' ');
    this.#child = this.#folder.spawn({ command, args, env: { ...process.env, ...env } });
    for (const stream of ['stdout', 'stderr'] as const) {
      this.#child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this.#said[stream] += text;
      });
    }
    // A program may end before it has read everything.
    this.#child.stdin?.on('error', () => undefined);
    this.#child.stdin?.end(input);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('close', resolve);
      this.#child.once('error', reject);
    });
    // Whoever waits for it hears of it.
    this.exited.catch(() => undefined);
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get stdout(): string {
    return this.#said.stdout;
  }

  get stderr(): string {
    return this.#said.stderr;
  }

  /** Calls back with each line of its standard output. */
  onLine(listener: (line: string) => void): void {
    let rest = '';
    this.#child.stdout?.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(listener);
    });
  }

  /** Waits for its end. @throws Error with its last words where it is not done in time */
  async done(timeoutMs = TIMEOUT_MS): Promise<ProgramResult> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill('SIGKILL');
    }, timeoutMs);
    const exitCode = await this.exited.finally(() => clearTimeout(timer));
    if (exitCode === null) throw this.failure(late ? `was not done in ${timeoutMs} ms` : 'ended by a signal');
    return { exitCode, ...this.#said };
  }

  /** Asks it to end, and waits. @throws Error where it does not, or says that it failed */
  async terminate(): Promise<void> {
    this.#child.kill('SIGTERM');
    const { exitCode } = await this.done(END_TIMEOUT_MS);
    if (exitCode !== 0 && exitCode !== JAVA_TERMINATED) throw this.failure(`ended with ${exitCode}`);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Something that it did wrong, with its last words. */
  failure(what: string): Error {
    const tail = [this.stdout, this.stderr].map((text) => text.trim().slice(-TAIL_CHARS));
    return new Error(`${this.#line}\n${what}:\n${tail.join('\n')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#folder[Symbol.asyncDispose]();
  }
}

/** Runs a program to its end. @throws Error with its last words where that is not an exit code of 0 in time */
export async function runProgram(
  command: Command,
  { timeoutMs = TIMEOUT_MS, mayFail = false }: { timeoutMs?: number; mayFail?: boolean } = {},
): Promise<ProgramResult> {
  await using program = new Program(command);
  const result = await program.done(timeoutMs);
  if (result.exitCode !== 0 && !mayFail) throw program.failure(`ended with ${result.exitCode}`);
  return result;
}
