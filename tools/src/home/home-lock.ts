import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { UsageError } from '@hailstream/service/command-line';
import type { Home } from './home.js';

/** The maximum length of a socket's path is 104 bytes on macOS and 108 on Linux. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * Locks the home folder until this process ends for any reason. A listening socket cannot outlive its process, unlike a
 * file with its process id.
 *
 * @throws UsageError if another process holds it
 */
export async function lockHome(home: Home): Promise<AsyncDisposable> {
  if (Buffer.byteLength(home.lockSocket) > MAX_SOCKET_PATH_BYTES) {
    throw new UsageError(`--home: the path is too long for a socket in it: ${home.folder}`);
  }
  if (await isHomeInUse(home)) {
    throw new UsageError(
      `Hailstream is already running on ${home.folder}: stop it first, or choose another --home`,
    );
  }
  await rm(home.lockSocket, { force: true });
  // Destroyed, not ended: an open idle connection must not delay the shutdown.
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((done, fail) => {
    server.once('error', fail).listen(home.lockSocket, done);
  });
  server.unref();
  return {
    [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())),
  };
}

/** Whether a launcher runs on this home folder. */
export function isHomeInUse(home: Home): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(home.lockSocket);
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    // Nothing listens (ECONNREFUSED), or the socket does not exist (ENOENT).
    socket.once('error', () => done(false));
  });
}
