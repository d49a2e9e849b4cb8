import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PostgresError } from './postgres.error.js';

/** The user as whom the server runs if this process is root: Postgres refuses to run as root. */
export const SYSTEM_USER = 'postgres';
/**
 * Capabilities that let that user enter folders it may not enter, such as root's home; the first that this process has
 * is used. Root in a container seldom has the first.
 */
export const ENTERING_CAPABILITIES = ['dac_read_search', 'dac_override'];

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** Runs a program until it exits. @throws Error if its exit code is not 0 */
export const run = promisify(execFile);

/** The command prefix that runs a command as that user, with one of root's capabilities. */
export function becoming(user: SystemUser, capability: string | undefined): string[] {
  // Postgres checks its own programs with access(2), which ignores capabilities without this secure bit.
  const capabilityOptions =
    capability === undefined
      ? []
      : ['--securebits=+no_setuid_fixup', `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
  return [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    ...capabilityOptions,
    '--',
  ];
}

/** The user as whom the server runs; `undefined` for the user of this process. */
export async function systemUser(): Promise<SystemUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, SYSTEM_USER])).stdout);
  try {
    await id('-u');
  } catch {
    await run('useradd', ['--system', '--user-group', '--no-create-home', SYSTEM_USER]).catch(
      (error: unknown) => {
        throw new PostgresError(
          'FAILED',
          `Postgres refuses to run as root, and the user ${SYSTEM_USER} could not be created: set DATABASE_URL`,
          { cause: error },
        );
      },
    );
  }
  return { uid: await id('-u'), gid: await id('-g') };
}
