import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const MAX_OUTPUT_CHARS = 4_000;

/** A router in a process of its own, which ends on disposal. */
export class RouterProcess implements AsyncDisposable {
  private output = '';
  private readonly child;
  readonly exited: Promise<unknown>;

  constructor(
    readonly command: 'run' | 'serve',
    options: {
      readonly brokers: string;
      readonly configFile: string;
      /** Credentials other than those of object storage. */
      readonly env?: Readonly<Record<string, string>>;
    },
  ) {
    this.child = spawn(process.execPath, [MAIN, command, '--config', options.configFile], {
      env: {
        KAFKA_BROKERS: options.brokers,
        HOST: '127.0.0.1',
        PORT: '0',
        LOG_LEVEL: 'warn',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test-secret',
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (chunk) => (this.output = (this.output + String(chunk)).slice(-MAX_OUTPUT_CHARS)));
    }
    this.exited = once(this.child, 'close');
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  kill(signal: 'SIGKILL' | 'SIGTERM'): void {
    this.child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
  }

  /** @throws Error if the process ended with an error that nothing should cause */
  requireNoFailure(): void {
    const { exitCode } = this.child;
    if (exitCode !== null && exitCode !== 0 && !this.isStopped)
      throw new Error(`${this.command} ended with exit code ${exitCode}: ${this.output}`);
  }

  /** Whether it was asked to end, after which `run` has exit code 1. */
  private get isStopped(): boolean {
    return this.child.killed;
  }
}
