import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Time limit of a step. */
const STEP_TIMEOUT_MS = 15 * 60_000;
const PROGRESS_EVERY_MS = 5_000;
const OUTPUT_TAIL_CHARS = 2_000;

/** A third-party program could not be installed; the message includes the last output. */
class InstallError extends Error {
  override readonly name = 'InstallError';
  readonly code = 'INSTALL';
}

/** A command that installs, and its environment. */
interface InstallStep {
  readonly command: string;
  readonly args: readonly string[];
  /** @default that of this process */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Fills a folder, unless it exists. The steps write to a temporary folder, which is renamed when it is complete; any number of
 * processes may call this at the same time.
 *
 * @throws InstallError if a step fails
 */
export async function installOnce(
  what: string,
  folder: string,
  stepsIn: (unfinished: string) => readonly InstallStep[] | Promise<readonly InstallStep[]>,
): Promise<void> {
  if (await exists(folder)) return;
  const parent = dirname(folder);
  await mkdir(parent, { recursive: true });
  const unfinished = await mkdtemp(join(parent, 'installing-'));
  const startedAt = performance.now();
  const progress = setInterval(() => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
    process.stderr.write(`Installing ${what} into ${folder} … ${seconds} s\n`);
  }, PROGRESS_EVERY_MS);
  try {
    for (const step of await stepsIn(unfinished)) await runStep(what, step);
    await rename(unfinished, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process has installed it in the meantime.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    clearInterval(progress);
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function runStep(what: string, { command, args, env }: InstallStep): Promise<void> {
  try {
    await promisify(execFile)(command, args, { timeout: STEP_TIMEOUT_MS, env });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const output = (stdout + stderr).trim().slice(-OUTPUT_TAIL_CHARS) || String(error);
    throw new InstallError(`${command} could not install ${what}: ${output}`, { cause: error });
  }
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
