import { homedir } from 'node:os';
import { join } from 'node:path';

/** Folder of third-party programs that were downloaded, in the user's cache. */
export function cacheFolder(name: string, env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'hailstream', name);
}

/** The environment in which `go install` writes programs to a folder. */
export function goEnvironment(folder: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return { ...env, GOBIN: folder };
}
