import { UsageError } from '@hailstream/service/command-line';
import { repositoryRoot } from '../repository.js';
import { type Home, homeAt, homeFolder } from './home.js';
import { isHomeInUse } from './home-lock.js';
import { readRunFile, type RunFile } from './run-file.js';

/**
 * The system that is running on a home folder.
 *
 * @param instead variables that make a running system unnecessary
 * @throws UsageError if no system is running, or it is not ready yet
 */
export async function runningSystem(home: Home, instead: string): Promise<RunFile> {
  const inUse = await isHomeInUse(home);
  const run = inUse ? await readRunFile(home.runFile) : undefined;
  if (run !== undefined) return run;
  throw new UsageError(
    inUse
      ? `Hailstream on ${home.folder} is still starting: try again when it is ready`
      : `Hailstream is not running on ${home.folder}: start it with npm start, choose another --home, or set ${instead}`,
  );
}

/** Removes `--home DIR` from a command's arguments; the rest is passed to the app. @throws UsageError */
export function takeHome(
  args: readonly string[],
  cwd: string,
): { readonly home: Home; readonly rest: string[] } {
  const rest = [...args];
  let folder: string | undefined;
  const index = rest.findIndex((arg) => arg === '--home' || arg.startsWith('--home='));
  if (index !== -1) {
    const [option = '', value] = rest.slice(index, index + 2);
    folder = option.startsWith('--home=') ? option.slice('--home='.length) : value;
    if (folder === undefined || folder === '') throw new UsageError('--home: expected a folder, got nothing');
    rest.splice(index, option === '--home' ? 2 : 1);
  }
  return { home: homeAt(homeFolder(folder, { cwd, root: repositoryRoot })), rest };
}
