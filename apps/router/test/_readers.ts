import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonWith } from '@hailstream/tools/python';

const REQUIREMENTS = fileURLToPath(new URL('sinks/requirements.txt', import.meta.url));
const PROGRAM = fileURLToPath(new URL('sinks/readers.py', import.meta.url));
const TIMEOUT_MS = 10 * 60_000;

/**
 * Runs a mode of `readers.py` on the objects in a folder, and returns the JSON that it prints.
 *
 * @throws Error if it fails
 */
export async function readObjects(mode: 'query' | 'parquet', ...args: readonly string[]): Promise<unknown> {
  const python = await pythonWith('readers', REQUIREMENTS);
  const { stdout } = await promisify(execFile)(python, [PROGRAM, mode, ...args], { timeout: TIMEOUT_MS });
  return JSON.parse(stdout);
}
