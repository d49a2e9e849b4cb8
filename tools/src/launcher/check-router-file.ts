import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { UsageError } from '@hailstream/service/command-line';
import { programFile } from '../repository.js';

/**
 * Lets the router validate its file, before any process is started.
 *
 * @throws UsageError if the file is not valid, with a line for each problem
 */
export async function checkRouterFile(file: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = [programFile('apps/router/dist/main.js'), 'check', '--config', file];
  try {
    await promisify(execFile)(process.execPath, args, { env });
  } catch (error) {
    const { stderr = '' } = error as { readonly stderr?: string };
    const problems = stderr.trimEnd().split('\n');
    // Anything else than its messages is a failure of the router, and not of the file.
    if (!problems.every((line) => line.startsWith('router: '))) throw error;
    throw new UsageError(problems.map((line) => line.replace('router: ', '--router: ')).join('\n'));
  }
}
