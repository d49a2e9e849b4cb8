import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { LogConnection } from '../core/connection.js';

/** Idle time after which TCP keep-alive probes are sent. */
const KEEP_ALIVE_MS = 10_000;

/** `host:port`, the form in which kafkajs reports a broker. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

export function tlsOptions({ ssl }: LogConnection): ConnectionOptions | undefined {
  if (!ssl) return undefined;
  return ssl === true ? {} : { ...ssl };
}

/** Starts to connect to a broker. Calls `onConnect` when the connection, with its TLS handshake, is established. */
export function openBrokerSocket(
  {
    host,
    port,
    tls,
  }: { readonly host: string; readonly port: number; readonly tls: ConnectionOptions | undefined },
  onConnect: () => void,
): Socket {
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...tls }, onConnect)
    : connectTcp({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
}
