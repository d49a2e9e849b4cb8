import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessFolder } from '@hailstream/tools/process-folder';

/** Timeout of a program that runs a single task. */
const TIMEOUT_MS = 120_000;
/** Timeout of a graceful shutdown. */
const END_TIMEOUT_MS = 60_000;
/** Exit code of Java after SIGTERM, even if the shutdown was graceful. */
const JAVA_TERMINATED = 128 + 15;
/** Length of the output that an error message includes. */
const TAIL_CHARS = 3_000;

/** A command with its environment and input. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  /** Additional environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files by name, created in the working directory. */
  readonly files?: Readonly<Record<string, string>>;
  /** Standard input. @default empty */
  readonly input?: string;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running third-party program. It is stopped when this object is disposed of or this process exits. */
export class Program implements AsyncDisposable {
  /** The exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  private readonly folder = new ProcessFolder('hailstream-client-');
  private readonly child: ChildProcess;
  private readonly output = { stdout: '', stderr: '' };
  private readonly line: string;

  constructor({ command, args, env, files = {}, input = '' }: Command) {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder.path, name), text);
    this.line = [command, ...args].join(' ');
    this.child = this.folder.spawn({ command, args, env: { ...process.env, ...env } });
    for (const stream of ['stdout', 'stderr'] as const) {
      this.child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this.output[stream] += text;
      });
    }
    // A program may exit before it has read all input.
    this.child.stdin?.on('error', () => undefined);
    this.child.stdin?.end(input);
    this.exited = new Promise((resolve, reject) => {
      this.child.once('close', resolve);
      this.child.once('error', reject);
    });
    // Reported to the caller that waits for the exit.
    this.exited.catch(() => undefined);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get stdout(): string {
    return this.output.stdout;
  }

  get stderr(): string {
    return this.output.stderr;
  }

  /** Calls the listener with each line of standard output. */
  onLine(listener: (line: string) => void): void {
    let rest = '';
    this.child.stdout?.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(listener);
    });
  }

  /**
   * Waits for the program to exit.
   * @throws Error with its last output if it does not exit in time
   */
  async done(timeoutMs = TIMEOUT_MS): Promise<ProgramResult> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.child.kill('SIGKILL');
    }, timeoutMs);
    const exitCode = await this.exited.finally(() => clearTimeout(timer));
    if (exitCode === null)
      throw this.failure(late ? `did not exit within ${timeoutMs} ms` : 'terminated by a signal');
    return { exitCode, ...this.output };
  }

  /**
   * Sends SIGTERM and waits for the exit.
   * @throws Error if it does not exit in time or its exit code reports a failure
   */
  async terminate(): Promise<void> {
    this.child.kill('SIGTERM');
    const { exitCode } = await this.done(END_TIMEOUT_MS);
    if (exitCode !== 0 && exitCode !== JAVA_TERMINATED) throw this.failure(`exited with ${exitCode}`);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** An error of the program, with its last output. */
  failure(what: string): Error {
    const tail = [this.stdout, this.stderr].map((text) => text.trim().slice(-TAIL_CHARS));
    return new Error(`${this.line}\n${what}:\n${tail.join('\n')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.folder[Symbol.asyncDispose]();
  }
}

/**
 * Runs a program until it exits.
 * @throws Error with its last output if it does not exit with code 0 in time
 */
export async function runProgram(
  command: Command,
  { timeoutMs = TIMEOUT_MS, mayFail = false }: { timeoutMs?: number; mayFail?: boolean } = {},
): Promise<ProgramResult> {
  await using program = new Program(command);
  const result = await program.done(timeoutMs);
  if (result.exitCode !== 0 && !mayFail) throw program.failure(`exited with ${result.exitCode}`);
  return result;
}
