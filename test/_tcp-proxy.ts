import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network between a client and a service, which can be cut. */
export interface TcpProxy extends AsyncDisposable {
  /** The address of the service through the proxy. */
  readonly origin: string;
  /** Connections that were attempted while the network was cut. */
  readonly refusedCount: number;
  /** Closes all connections, and refuses new ones. */
  cut(): void;
  restore(): void;
}

/** Starts a proxy to the service at `url`, on a free port of this machine. */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let isCut = false;
  let refusedCount = 0;
  const server = createServer((client) => {
    if (isCut) {
      refusedCount += 1;
      client.on('error', () => undefined);
      client.resetAndDestroy();
      return;
    }
    const service = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, service],
      [service, client],
    ] as const) {
      sockets.add(socket);
      // The other side is closed by the event that follows.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get refusedCount() {
      return refusedCount;
    },
    cut,
    restore: () => {
      isCut = false;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
