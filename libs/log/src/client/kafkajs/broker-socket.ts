import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { LogConnection } from '../shared/connection.js';

/** Silence after which the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000;

/** `host:port`, as kafkajs names a broker. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host}:${port}`;
}

export function tlsOptions({ ssl }: LogConnection): ConnectionOptions | undefined {
  if (!ssl) return undefined;
  return ssl === true ? {} : { ...ssl };
}

/** Begins to connect to a broker; `onConnect` is called once it may be written to. */
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
