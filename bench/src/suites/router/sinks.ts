import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@hailstream/service/ports';
import { startProgram } from '../../harness/processes.js';

export const BUCKET = 'ride';
export const ACCESS_KEY = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' } as const;

const READY_WITHIN_MS = 30_000;
const READY_POLL_MS = 50;

/** An S3 server over a folder, with a bucket. */
export interface ObjectStorage extends AsyncDisposable {
  readonly endpoint: string;
  /** Deletes all objects below a prefix. */
  clear(prefix: string): Promise<void>;
}

/** Starts versitygw, which stores objects as files in a folder. */
export async function startObjectStorage(program: string, folder: string): Promise<ObjectStorage> {
  const objects = join(folder, 'objects');
  await mkdir(join(objects, BUCKET), { recursive: true });
  const port = await freePort();
  const gateway = startProgram({
    command: program,
    args: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', objects],
    env: {
      ROOT_ACCESS_KEY: ACCESS_KEY.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: ACCESS_KEY.AWS_SECRET_ACCESS_KEY,
    },
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!(await answers(endpoint))) {
    if (performance.now() > giveUpAt) throw new Error(`versitygw is not ready:\n${gateway.output()}`);
    await delay(READY_POLL_MS);
  }
  return {
    endpoint,
    clear: (prefix) => rm(join(objects, BUCKET, prefix), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    // Not listening yet.
    return false;
  }
}
