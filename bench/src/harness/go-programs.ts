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
  await ensureNeeds('The router benchmark', ['go']);
  const { env } = process;
  const binaries = join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hailstream', 'go');
  const path = join(binaries, name);
  await mkdir(binaries, { recursive: true });
  await run('go', ['build', '-C', folder, '-mod=readonly', '-o', path, '.'], { timeout: BUILD_TIMEOUT_MS });
  return path;
}
