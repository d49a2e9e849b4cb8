import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonWith } from '@hailstream/tools/python';
import type { Command } from '../programs.js';
import { KEYS, type VerifiableClient } from '../verifiable-client.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const REQUIREMENTS = join(SOURCE, 'requirements.txt');

/** A Python client library, run by the program of the same name in this folder. */
export class PythonClient implements VerifiableClient {
  private constructor(
    private readonly python: string,
    private readonly program: string,
  ) {}

  static async install(name: 'confluent_kafka' | 'kafka_python'): Promise<PythonClient> {
    return new PythonClient(
      await pythonWith('python-clients', REQUIREMENTS),
      join(SOURCE, `${name}_client.py`),
    );
  }

  command(mode: string, args: readonly string[]): Command {
    // Keeps compiled Python files out of the repository.
    const env = { PYTHONDONTWRITEBYTECODE: '1' };
    return { command: this.python, args: [this.program, mode, ...args], env };
  }

  producer({ address, topic, count, rate }: Parameters<VerifiableClient['producer']>[0]): Command {
    const what = ['--count', String(count), '--rate', String(rate), '--keys', String(KEYS)];
    return this.command('produce', ['--brokers', address, '--topic', topic, ...what]);
  }

  consumer(options: Parameters<VerifiableClient['consumer']>[0]): Command {
    const { address, topic, group, instance, sessionTimeoutMs } = options;
    const member = instance === undefined ? [] : ['--instance', instance];
    const how = ['--group', group, '--session-timeout', String(sessionTimeoutMs)];
    return this.command('consume', ['--brokers', address, '--topic', topic, ...how, ...member]);
  }
}
