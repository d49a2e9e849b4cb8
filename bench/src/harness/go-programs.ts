import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ensureNeeds } from '@hailstream/tools/needs';

const run = promisify(execFile);

/** Time limit of a build: the first one downloads and compiles the dependencies. */
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** A Go module of the repository. */
interface GoProgram {
  readonly name: string;
  readonly folder: string;
}

/**
 * Builds a Go program into the user's cache and returns its path. Go compiles only what has changed.
 *
 * @throws MissingNeedsError if Go is missing
 */
export async function buildGoProgram({ name, folder }: GoProgram): Promise<string> {
  await ensureNeeds('The benchmark', ['go']);
  const path = join(await binariesFolder(), name);
  await run('go', ['build', '-C', folder, '-mod=readonly', '-o', path, '.'], { timeout: BUILD_TIMEOUT_MS });
  return path;
}

/**
 * Builds the program of a public Go module into the user's cache, and returns its path.
 *
 * @throws MissingNeedsError if Go is missing
 */
export async function installGoProgram(module: {
  readonly path: string;
  readonly version: string;
}): Promise<string> {
  await ensureNeeds('The benchmark', ['go']);
  const folder = await binariesFolder();
  const env = { ...process.env, GOBIN: folder };
  await run('go', ['install', `${module.path}@${module.version}`], { timeout: BUILD_TIMEOUT_MS, env });
  // A path may end with the major version.
  const name = module.path.split('/').findLast((part) => !/^v\d+$/.test(part)) ?? '';
  return join(folder, name);
}

async function binariesFolder(): Promise<string> {
  const { env } = process;
  const folder = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hailstream', 'go');
  await mkdir(folder, { recursive: true });
  return folder;
}
