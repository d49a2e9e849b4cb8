import type { Socket } from 'node:net';

/** Maximum numbers of connections of a server. */
export interface ConnectionLimits {
  readonly total: number;
  /** Of one remote address. A proxy has one address for all of its clients. */
  readonly perAddress: number;
}

/** Maximum number of connections that are examined to find one without a request. */
const MAX_EXAMINED = 64;

/** Connections, the least recently examined first. */
class ConnectionSet {
  private readonly sockets = new Set<Socket>();

  get size(): number {
    return this.sockets.size;
  }

  add(socket: Socket): void {
    this.sockets.add(socket);
  }

  delete(socket: Socket): void {
    this.sockets.delete(socket);
  }

  /** Returns a connection that is idle; `undefined` if none of those that were examined is. */
  findIdle(isIdle: (socket: Socket) => boolean): Socket | undefined {
    let examined = 0;
    for (const socket of this.sockets) {
      if (isIdle(socket)) return socket;
      examined += 1;
      if (examined >= MAX_EXAMINED) return undefined;
      this.sockets.delete(socket);
      this.sockets.add(socket);
    }
    return undefined;
  }
}

/**
 * Bounds the connections of a server, in total and by remote address. At a limit, a new connection takes the place of one
 * without a request, so that connections that only occupy a place do not keep others out. If all have requests, the new
 * connection is closed.
 */
export class BoundedConnections {
  private readonly all = new ConnectionSet();
  private readonly byAddress = new Map<string, ConnectionSet>();

  constructor(
    private readonly limits: ConnectionLimits,
    private readonly isIdle: (socket: Socket) => boolean,
    private readonly onClosed: (socket: Socket) => void = () => undefined,
  ) {}

  /** Adds a connection, or closes it. */
  add(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const ofAddress = this.byAddress.get(address) ?? new ConnectionSet();
    const isAdmitted =
      this.makeRoom(ofAddress, this.limits.perAddress) && this.makeRoom(this.all, this.limits.total);
    if (!isAdmitted) {
      this.close(socket);
      return;
    }
    this.byAddress.set(address, ofAddress);
    ofAddress.add(socket);
    this.all.add(socket);
    socket.once('close', () => this.remove(socket, address));
  }

  private makeRoom(connections: ConnectionSet, limit: number): boolean {
    if (connections.size < limit) return true;
    const idle = connections.findIdle(this.isIdle);
    if (idle === undefined) return false;
    this.remove(idle, idle.remoteAddress ?? '');
    this.close(idle);
    return true;
  }

  private remove(socket: Socket, address: string): void {
    this.all.delete(socket);
    const ofAddress = this.byAddress.get(address);
    ofAddress?.delete(socket);
    if (ofAddress?.size === 0) this.byAddress.delete(address);
  }

  private close(socket: Socket): void {
    socket.destroy();
    this.onClosed(socket);
  }
}
