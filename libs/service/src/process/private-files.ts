import { isMainThread } from 'node:worker_threads';

/** Files and folders that the process creates are accessible to its user only: they have positions and tokens. */
export function keepFilesPrivate(): void {
  // Worker threads cannot set it: they have that of the process.
  if (isMainThread) process.umask(0o077);
}
