import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, processStartTicks } from './is-alive.js';

/** File with the id of the process that uses the folder. */
export const LOCK_FILE = '.lock';

/** Two processes may find a stale lock at the same time; both retry, and one succeeds. */
const ATTEMPTS = 3;

/** Another process uses the folder. */
export class FolderInUseError extends Error {
  override readonly name = 'FolderInUseError';
  readonly code = 'FOLDER_IN_USE';
  readonly retryable = true;

  /** @param holder the id of that process; `undefined` if it is still locking the folder */
  constructor(
    folder: string,
    readonly holder: number | undefined,
  ) {
    super(
      holder === undefined
        ? `${folder} could not be locked: another process is locking it`
        : `${folder} is in use by the process with id ${holder}`,
    );
  }
}

/**
 * Locks a folder that exists for this process with a file that has its process id. The lock of a dead process is replaced.
 *
 * @returns the function that unlocks the folder
 * @throws FolderInUseError if a running process has the lock; Error if the file cannot be written
 */
export function lockFolder(folder: string): () => void {
  const file = join(folder, LOCK_FILE);
  const owner = `${process.pid}\n${processStartTicks(process.pid)}\n`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      writeFileSync(file, owner, { flag: 'wx', mode: 0o600 });
      return () => {
        rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = holderOf(file);
    if (holder !== undefined) throw new FolderInUseError(folder, holder);
    rmSync(file, { force: true });
  }
  throw new FolderInUseError(folder, undefined);
}

/** @returns the process with the lock, undefined if it is not running */
function holderOf(file: string): number | undefined {
  const [pidText, started] = readOr(file, '').split('\n');
  const pid = Number(pidText);
  if (!isAlive(pid)) return undefined;
  // The process id of a killed process may have been reused.
  return processStartTicks(pid) === started ? pid : undefined;
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Deleted meanwhile.
    return otherwise;
  }
}
