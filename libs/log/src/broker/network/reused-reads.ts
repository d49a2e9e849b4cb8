import * as net from 'node:net';

/** As many bytes as Node reads at once. */
const READ_BYTES = 64 << 10;

/** Of all sockets: what is read is consumed before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** The operating system's socket, which Node's server does not expose in its types. */
interface HandleOwner {
  _handle: unknown;
}

/** Options of Node that its types lack. */
interface HandleOptions extends net.SocketConstructorOpts, net.ConnectOpts {
  readonly handle: unknown;
  readonly manualStart: boolean;
}

/**
 * Reads a socket of a server with `pauseOnConnect` into one buffer, instead of new memory for each read, which page faults and
 * garbage collection make expensive. Chunks of `data` events are valid until the listener returns. Reading starts with the
 * first listener.
 */
export function withReusedReads(accepted: net.Socket): net.Socket {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  if (handle === null || handle === undefined) return accepted;
  owner._handle = null;
  // The server no longer counts it.
  accepted.destroy();
  const options: HandleOptions = {
    handle,
    manualStart: true,
    readable: true,
    writable: true,
    onread: {
      buffer: readBuffer,
      callback(length) {
        socket.emit('data', readBuffer.subarray(0, length));
        return true;
      },
    },
  };
  const socket = new net.Socket(options);
  return socket;
}
