/** A connection of engine.io. */
export interface EngineConnection {
  readonly remoteAddress: string;
  once(event: 'close', listener: () => void): unknown;
  close(discard?: boolean): unknown;
}

/**
 * Connections whose clients have not presented a valid token. Beyond the maximum number, the oldest one of the address with
 * most of them is closed: clients present their tokens at once, so that those that wait for it are the others.
 */
export class PendingConnections {
  private readonly byAddress = new Map<string, Set<EngineConnection>>();
  private count = 0;

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.count;
  }

  add(connection: EngineConnection): void {
    const { remoteAddress } = connection;
    const known = this.byAddress.get(remoteAddress);
    if (known === undefined) this.byAddress.set(remoteAddress, new Set([connection]));
    else known.add(connection);
    this.count += 1;
    connection.once('close', () => this.remove(connection));
    if (this.count > this.limit) this.closeOldest();
  }

  remove(connection: EngineConnection): void {
    const known = this.byAddress.get(connection.remoteAddress);
    if (known?.delete(connection) !== true) return;
    this.count -= 1;
    if (known.size === 0) this.byAddress.delete(connection.remoteAddress);
  }

  private closeOldest(): void {
    let most: ReadonlySet<EngineConnection> = new Set();
    for (const connections of this.byAddress.values()) if (connections.size > most.size) most = connections;
    const [oldest] = most;
    if (oldest === undefined) return;
    this.remove(oldest);
    oldest.close(true);
  }
}
