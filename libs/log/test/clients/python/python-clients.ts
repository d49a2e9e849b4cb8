import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram, type Command } from '../programs.js';
import { KEYS, type VerifiableClient } from '../verifiable-client.js';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));
const REQUIREMENTS = join(SOURCE, 'requirements.txt');
/** The first run downloads packages. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;

/** A Python client library, run by the program of the same name in this folder. */
export class PythonClient implements VerifiableClient {
  private constructor(
    private readonly python: string,
    private readonly program: string,
  ) {}

  static async install(name: 'confluent_kafka' | 'kafka_python'): Promise<PythonClient> {
    return new PythonClient(await installedPython(), join(SOURCE, `${name}_client.py`));
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

/**
 * A virtual environment with the packages of `requirements.txt` in the user's cache. It is created once and renamed
 * to its final name when it is complete.
 *
 * @returns its interpreter
 */
async function installedPython(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hailstream');
  const requirements = await readFile(REQUIREMENTS);
  const home = join(
    cache,
    `python-clients-${createHash('sha256').update(requirements).digest('hex').slice(0, 16)}`,
  );
  const python = join(home, 'bin', 'python');
  if (await exists(python)) return python;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, 'installing-'));
  try {
    const limit = { timeoutMs: INSTALL_TIMEOUT_MS };
    await runProgram({ command: 'python3', args: ['-m', 'venv', unfinished] }, limit);
    const install = ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', REQUIREMENTS];
    await runProgram({ command: join(unfinished, 'bin', 'python'), args: install }, limit);
    await rename(unfinished, home).catch((error: NodeJS.ErrnoException) => {
      // Another process has created it first.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return python;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
