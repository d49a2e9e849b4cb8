import * as fs from 'node:fs';
import * as path from 'node:path';
import { isAlive, processStartTicks } from '@hailstream/service/processes';

/** The data directory is in use or not usable. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/** File with the id of the process that uses the directory. */
export const LOCK_FILE = '.lock';
/** Two brokers may find a stale lock at the same time; both retry, and one succeeds. */
const ATTEMPTS = 3;

/**
 * Locks the directory for this process with a file that has its process id. The lock of a dead process is replaced.
 *
 * @returns the function that unlocks the directory
 * @throws DataDirError if a running broker has the lock, or the directory cannot be created
 */
export function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, LOCK_FILE);
  const owner = `${process.pid}\n${processStartTicks(process.pid)}\n`;
  makeFolder(dataDir);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      fs.writeFileSync(file, owner, { flag: 'wx' });
      return () => {
        fs.rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(dataDir, error);
    }
    const holder = holderOf(file);
    if (holder !== undefined) {
      throw new DataDirError(`${dataDir} is in use by the broker with process id ${holder}`);
    }
    fs.rmSync(file, { force: true });
  }
  throw new DataDirError(`${dataDir} could not be locked: another process is locking it`);
}

function makeFolder(dataDir: string): void {
  try {
    fs.mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function unusable(dataDir: string, cause: unknown): DataDirError {
  return new DataDirError(`cannot use ${dataDir}: ${(cause as Error).message}`, { cause });
}

/** @returns the process with the lock, undefined if it is not running */
function holderOf(file: string): number | undefined {
  const [pidText, started] = readOr(file, '').split('\n');
  const pid = Number(pidText);
  if (!isAlive(pid)) return undefined;
  // The process id of a killed broker may have been reused.
  return processStartTicks(pid) === started ? pid : undefined;
}

function readOr(file: string, otherwise: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    // Deleted meanwhile.
    return otherwise;
  }
}
