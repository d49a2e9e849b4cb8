import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureNeeds } from '../needs.js';
import { cacheFolder } from './config.js';
import { installOnce } from './install.js';

/**
 * A virtual environment with the packages of a requirements file in the user's cache, created once.
 *
 * @param name names the folder, and the environment in messages
 * @returns its interpreter
 * @throws MissingNeedsError if Python is missing
 * @throws InstallError if a package cannot be installed
 */
export async function pythonWith(name: string, requirementsFile: string): Promise<string> {
  await ensureNeeds(name, ['python']);
  const digest = createHash('sha256')
    .update(await readFile(requirementsFile))
    .digest('hex');
  const folder = cacheFolder(`${name}-${digest.slice(0, 16)}`);
  await installOnce(name, folder, (unfinished) => [
    { command: 'python3', args: ['-m', 'venv', unfinished] },
    {
      command: join(unfinished, 'bin', 'python'),
      args: ['-m', 'pip', 'install', '--quiet', '--only-binary', ':all:', '-r', requirementsFile],
    },
  ]);
  return join(folder, 'bin', 'python');
}
