import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startVersityGateway } from '@hailstream/tools/versitygw';

export const BUCKET = 'ride';
export const ACCESS_KEY = { AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench-secret-key' } as const;

/** An S3 server over a folder, with a bucket. */
export interface ObjectStorage extends AsyncDisposable {
  readonly endpoint: string;
  /** Deletes all objects below a prefix. */
  clear(prefix: string): Promise<void>;
}

/** Starts versitygw, which stores objects as files in a folder. */
export async function startObjectStorage(): Promise<ObjectStorage> {
  const gateway = await startVersityGateway({
    accessKeyId: ACCESS_KEY.AWS_ACCESS_KEY_ID,
    secretAccessKey: ACCESS_KEY.AWS_SECRET_ACCESS_KEY,
  });
  const bucket = await gateway.createBucket(BUCKET);
  return {
    endpoint: gateway.endpoint,
    clear: (prefix) => rm(join(bucket, prefix), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}
