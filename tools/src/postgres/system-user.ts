import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { PostgresError } from './postgres.error.js';

/** System user that the server runs as where we are root: Postgres refuses to be root. */
export const SYSTEM_USER = 'postgres';
/**
 * What lets that user pass through folders that are closed to it, such as the home of root: the first that we have. A
 * container's root seldom has the first one.
 */
export const ENTERING_CAPABILITIES = ['dac_read_search', 'dac_override'];

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/** Runs a program to its end. @throws if its exit code is not 0 */
export const run = promisify(execFile);

/** The command before a command that runs it as that user, with one capability of root's left to it. */
export function becoming(user: SystemUser, capability: string | undefined): string[] {
  // Without the secure bit access(2), which Postgres asks about its own programs, leaves capabilities out.
  const kept =
    capability === undefined
      ? []
      : ['--securebits=+no_setuid_fixup', `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...kept, '--'];
}

/** Whom the server runs as: `undefined` means as ourselves. */
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
          `Postgres refuses to run as root, and a user ${SYSTEM_USER} could not be made: set DATABASE_URL`,
          { cause: error },
        );
      },
    );
  }
  return { uid: await id('-u'), gid: await id('-g') };
}
