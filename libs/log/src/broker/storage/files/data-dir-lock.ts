import * as fs from 'node:fs';
import * as path from 'node:path';
import { PRIVATE_FOLDER } from './file-system.js';
import { FolderInUseError, lockFolder } from '@hailstream/service/folder-lock';

/** The data directory is in use or not usable. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/**
 * Locks the directory for this process. A directory with `ownFile`, which only brokers create, is closed to other users.
 *
 * @returns the function that unlocks the directory
 * @throws DataDirError if a running broker has the lock, or the directory cannot be created
 */
export function lockDataDir(dataDir: string, ownFile: string): () => void {
  try {
    fs.mkdirSync(dataDir, { recursive: true, mode: PRIVATE_FOLDER });
    closeToOthers(dataDir, ownFile);
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

/** Earlier versions created folders that every user could read. */
function closeToOthers(dataDir: string, ownFile: string): void {
  // Windows has no such modes. A folder that is not the broker's own is left as it is.
  if (process.platform === 'win32' || !fs.existsSync(path.join(dataDir, ownFile))) return;
  const { mode, uid } = fs.statSync(dataDir);
  // The owner of a mounted volume may be another user: its access is determined by the volume.
  if (uid === process.geteuid?.() && (mode & 0o077) !== 0) fs.chmodSync(dataDir, PRIVATE_FOLDER);
}
