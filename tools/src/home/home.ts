import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UsageError } from '@hailstream/service/command-line';

/** The layout of the home folder. */
export interface Home {
  readonly folder: string;
  readonly runFile: string;
  /** The launcher listens on it while the system runs: a successful connect shows that it does. */
  readonly lockSocket: string;
  readonly secretFile: string;
  /** The simulator's token while the system runs; it is replaced before it expires. */
  readonly simulatorTokenFile: string;
  readonly brokerFolder: string;
  readonly postgresFolder: string;
  /** Keyframes of realtime. */
  readonly historyFolder: string;
  /** City files that were converted from extracts. */
  readonly citiesFolder: string;
  readonly logsFolder: string;
}

const SECRET_BYTES = 32;
const PRIVATE_FOLDER = 0o700;

/** The folder of `--home`, relative to the user's current folder; by default the one in the repository. */
export function homeFolder(
  home: string | undefined,
  { cwd, root }: { readonly cwd: string; readonly root: string },
): string {
  return home === undefined ? join(root, '.hailstream') : resolve(cwd, home);
}

export function homeAt(folder: string): Home {
  return {
    folder,
    runFile: join(folder, 'run.json'),
    lockSocket: join(folder, 'launcher.sock'),
    secretFile: join(folder, 'auth-secret'),
    simulatorTokenFile: join(folder, 'simulator-token'),
    brokerFolder: join(folder, 'broker'),
    postgresFolder: join(folder, 'postgres'),
    historyFolder: join(folder, 'history'),
    citiesFolder: join(folder, 'cities'),
    logsFolder: join(folder, 'logs'),
  };
}

/**
 * Creates the folders that do not exist. Only this user may enter the home folder: it has tokens, logs and positions.
 *
 * @throws UsageError if they cannot be created
 */
export async function makeHome(home: Home): Promise<void> {
  try {
    await mkdir(home.logsFolder, { recursive: true, mode: PRIVATE_FOLDER });
    await closeToOthers(home);
  } catch (error) {
    throw new UsageError(`--home: cannot create ${home.folder}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** Earlier versions created a home that every user could read. A folder with files of others is left as it is. */
async function closeToOthers(home: Home): Promise<void> {
  const own = new Set(Object.values(home).map((path) => basename(path)));
  const others = (await readdir(home.folder)).filter((name) => !own.has(name));
  if (others.length > 0 && (await readSecret(home)) === undefined) return;
  const { mode, uid } = await stat(home.folder);
  if (uid === process.geteuid?.() && (mode & 0o077) !== 0) await chmod(home.folder, PRIVATE_FOLDER);
}

/** The secret that signs this system's tokens: created on first use, then kept. Only the user may read it. */
export async function ensureSecret(home: Home): Promise<string> {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  try {
    await writeFile(home.secretFile, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return (await readSecret(home)) ?? '';
  }
}

/** `undefined` before the first start. */
export async function readSecret(home: Home): Promise<string | undefined> {
  try {
    return (await readFile(home.secretFile, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
