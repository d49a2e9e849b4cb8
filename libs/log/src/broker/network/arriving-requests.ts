/** Maximum number of bytes of requests that have arrived in part. The largest request has 100 MiB. */
const MAX_BYTES = 256 << 20;

interface Requests<C> {
  bytes: number;
  /** Bytes by connection, the request that began first is first. */
  readonly byConnection: Map<C, number>;
}

/**
 * The requests that have arrived in part. Above the limit, the connection of one is closed: of the address with most bytes, the one
 * whose request began to arrive first, so that senders that do not send the rest make room for others.
 */
export class ArrivingRequests<C> {
  private readonly byAddress = new Map<string, Requests<C>>();
  private bytes = 0;

  constructor(private readonly maxBytes = MAX_BYTES) {}

  /** Sets the bytes that have arrived; 0 if the request is complete. Returns a connection to close if there are too many, and forgets it. */
  set(
    connection: C,
    { address, bytes }: { readonly address: string; readonly bytes: number },
  ): C | undefined {
    const requests = this.byAddress.get(address) ?? { bytes: 0, byConnection: new Map<C, number>() };
    const added = bytes - (requests.byConnection.get(connection) ?? 0);
    requests.bytes += added;
    this.bytes += added;
    if (bytes > 0) requests.byConnection.set(connection, bytes);
    else requests.byConnection.delete(connection);
    if (requests.byConnection.size > 0) this.byAddress.set(address, requests);
    else this.byAddress.delete(address);
    return this.bytes > this.maxBytes ? this.takeOldestOfLargest() : undefined;
  }

  private takeOldestOfLargest(): C | undefined {
    const [[address, { byConnection }]] = [...this.byAddress].sort(([, a], [, b]) => b.bytes - a.bytes) as [
      [string, Requests<C>],
    ];
    const [oldest] = byConnection.keys() as IterableIterator<C>;
    this.set(oldest as C, { address, bytes: 0 });
    return oldest;
  }
}
