import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, type Command } from '../programs.js';
import { KEYS, type VerifiableClient } from '../verifiable-client.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
/** The first run downloads and compiles the dependencies. */
const BUILD_TIMEOUT_MS = 10 * 60_000;

/** franz-go, run by the program in this folder. */
export class FranzGo implements VerifiableClient, AsyncDisposable {
  private constructor(private readonly folder: string) {}

  static async build(): Promise<FranzGo> {
    const folder = await mkdtemp(join(tmpdir(), 'hailstream-franz-go-'));
    const franzGo = new FranzGo(folder);
    const args = ['build', '-C', SOURCE, '-mod=readonly', '-o', franzGo.program, '.'];
    await runProgram({ command: 'go', args }, { timeoutMs: BUILD_TIMEOUT_MS });
    return franzGo;
  }

  private get program(): string {
    return join(this.folder, 'franz-go-client');
  }

  command(mode: string, args: readonly string[]): Command {
    return { command: this.program, args: [mode, ...args] };
  }

  producer({ address, topic, count, rate }: Parameters<VerifiableClient['producer']>[0]): Command {
    const what = ['-topic', topic, '-count', String(count), '-rate', String(rate), '-keys', String(KEYS)];
    return this.command('produce', ['-brokers', address, ...what]);
  }

  consumer(options: Parameters<VerifiableClient['consumer']>[0]): Command {
    const { address, topic, group, instance = '', sessionTimeoutMs } = options;
    const member = ['-instance', instance, '-session-timeout', String(sessionTimeoutMs)];
    return this.command('consume', ['-brokers', address, '-topic', topic, '-group', group, ...member]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
