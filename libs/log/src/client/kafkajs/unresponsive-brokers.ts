import { sleep } from '@hailstream/service/timers';
import type { LogConnection } from '../core/connection.js';
import { openBrokerSocket, tlsOptions } from './broker-socket.js';

/** Maximum time that a broker may take to answer ApiVersions, which needs no I/O. */
const ANSWER_TIMEOUT_MS = 2_000;
/** How often an unresponsive broker is probed again. */
const PROBE_INTERVAL_MS = 500;

/** ApiVersions version 0: length, key 18, version, correlation id, no client id. Answered before authentication. */
const PROBE = Buffer.from('0000000a' + '0012' + '0000' + '00000000' + 'ffff', 'hex');

type ProbeResult = 'responsive' | 'unresponsive' | 'unreachable';

/**
 * Detects brokers that accept connections but do not respond, because the process is paused or its machine hangs. A client
 * would wait for the timeout of each request and might then choose the same broker again. All clients of a connection
 * share the result, and treat an unresponsive broker as down until it responds.
 */
export class UnresponsiveBrokers {
  private static readonly ofConnection = new WeakMap<LogConnection, UnresponsiveBrokers>();

  private readonly unresponsive = new Set<string>();
  private readonly probed = new Set<string>();
  private readonly listeners = new Set<(address: string) => void>();

  private constructor(private readonly connection: LogConnection) {}

  /** The instance that all clients of this connection object share. */
  static of(connection: LogConnection): UnresponsiveBrokers {
    const existing = this.ofConnection.get(connection);
    if (existing) return existing;
    const created = new UnresponsiveBrokers(connection);
    this.ofConnection.set(connection, created);
    return created;
  }

  isUnresponsive(address: string): boolean {
    return this.unresponsive.has(address);
  }

  /** Calls `listener` for each broker that is found unresponsive. Returns a function that removes it. Probes end with the last listener. */
  onUnresponsive(listener: (address: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Call if a broker is slow to respond. It may have a reason, so it is probed with a request that needs no waiting. */
  probe(address: string): void {
    if (this.probed.has(address)) return;
    this.probed.add(address);
    void this.probeUntilResponsive(address).finally(() => {
      this.unresponsive.delete(address);
      this.probed.delete(address);
    });
  }

  private async probeUntilResponsive(address: string): Promise<void> {
    while (this.listeners.size > 0) {
      if ((await sendProbe(address, this.connection)) !== 'unresponsive') return;
      if (!this.unresponsive.has(address)) {
        this.unresponsive.add(address);
        for (const listener of this.listeners) listener(address);
      }
      await sleep(PROBE_INTERVAL_MS);
    }
  }
}

/** Sends a probe on a new connection. */
function sendProbe(address: string, connection: LogConnection): Promise<ProbeResult> {
  const portAt = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, portAt), Number(address.slice(portAt + 1))];
  return new Promise((resolve) => {
    const socket = openBrokerSocket({ host, port, tls: tlsOptions(connection) }, () => socket.write(PROBE));
    socket.unref();
    const timer = setTimeout(() => settle('unresponsive'), ANSWER_TIMEOUT_MS).unref();
    const settle = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    socket.once('data', () => settle('responsive'));
    // Clients learn that from their own connection attempts.
    socket.once('error', () => settle('unreachable'));
    socket.once('close', () => settle('unreachable'));
  });
}
