import * as fs from 'node:fs';
import { FolderInUseError, lockFolder } from '@hailstream/service/folder-lock';

/** The data directory is in use or not usable. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/**
 * Locks the directory for this process.
 *
 * @returns the function that unlocks the directory
 * @throws DataDirError if a running broker has the lock, or the directory cannot be created
 */
export function lockDataDir(dataDir: string): () => void {
  try {
    fs.mkdirSync(dataDir, { recursive: true });
    return lockFolder(dataDir);
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw unusable(dataDir, error);
    if (error.holder === undefined) throw new DataDirError(error.message, { cause: error });
    throw new DataDirError(`${dataDir} is in use by the broker with process id ${error.holder}`, {
      cause: error,
    });
  }
}

function unusable(dataDir: string, cause: unknown): DataDirError {
  return new DataDirError(`cannot use ${dataDir}: ${(cause as Error).message}`, { cause });
}
