import type { Socket } from 'node:net';

/** The other end of a connection. A TLS socket and the socket below it have the same. */
export interface Remote {
  readonly address: string;
  readonly port: number;
}

export function remoteOf({ remoteAddress = '', remotePort = 0 }: Socket): Remote {
  return { address: remoteAddress, port: remotePort };
}

/** The sockets of clients that are not authenticated yet. */
export class UnauthenticatedSockets {
  /** By address, then by port, the oldest first. */
  private readonly byAddress = new Map<string, Map<number, Socket>>();
  size = 0;

  add(socket: Socket, { address, port }: Remote): void {
    const own = this.byAddress.get(address) ?? new Map<number, Socket>();
    this.byAddress.set(address, own);
    if (!own.has(port)) this.size++;
    own.set(port, socket);
  }

  delete({ address, port }: Remote): void {
    const own = this.byAddress.get(address);
    if (own === undefined || !own.delete(port)) return;
    this.size--;
    if (own.size === 0) this.byAddress.delete(address);
  }

  /** Removes the oldest socket of the address with the most sockets. There must be one. */
  takeOldestOfBusiest(): { readonly address: string; readonly socket: Socket } {
    const [busiest] = [...this.byAddress].sort(([, a], [, b]) => b.size - a.size);
    const [address, own] = busiest as [string, Map<number, Socket>];
    const [port, socket] = own.entries().next().value as [number, Socket];
    this.delete({ address, port });
    return { address, socket };
  }
}
