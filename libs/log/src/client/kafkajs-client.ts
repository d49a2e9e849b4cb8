import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import type { LogConnection } from './connection.js';
import './kafkajs-codecs.js';
import { kafkajsLogCreator } from './kafkajs-log.js';

/** Longest that opening a connection to a broker may take. */
const CONNECT_TIMEOUT_MS = 3_000;
/** Silence after which the system asks whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000;

export interface KafkajsClientOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Longest that a broker may take to answer one request. */
  readonly requestTimeoutMs: number;
}

/**
 * A kafkajs client whose sockets are ours. kafkajs neither closes a connection on which nothing answers any more, nor
 * stops retrying once it was told to disconnect; so both are done here, where the sockets are made.
 */
export class KafkajsClient {
  readonly kafka: Kafka;
  private readonly sockets = new Set<Socket>();
  private killed = false;

  constructor({ connection, logger, requestTimeoutMs }: KafkajsClientOptions) {
    this.kafka = new Kafka({
      brokers: [...connection.brokers],
      clientId: connection.clientId,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      authenticationTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      enforceRequestTimeout: true,
      // One quick retry inside kafkajs; everything longer is decided, bounded and told by its callers here.
      retry: { retries: 1, initialRetryTime: 50, maxRetryTime: 200 },
      logLevel: logger.isLevelEnabled('debug') ? logLevel.DEBUG : logLevel.WARN,
      logCreator: kafkajsLogCreator(logger),
      socketFactory: this.openSocket,
      ...security(connection),
    });
  }

  /** Ends every connection as a network fault would. kafkajs opens new ones and goes on where it was. */
  dropSockets(): void {
    for (const socket of this.sockets) socket.destroy(new Error('the connection was given up'));
  }

  /** Ends every connection and refuses new ones: whatever kafkajs still tries from now on, fails at once. */
  kill(): void {
    this.killed = true;
    this.dropSockets();
  }

  private readonly openSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.killed) throw new Error('the client was closed');
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connectTcp({ host, port }, onConnect);
    // kafkajs tells a socket that is still connecting to end as often as it likes; each time is a listener more.
    socket.setMaxListeners(0);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  };
}

function security({ ssl, sasl }: LogConnection): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(ssl ? { ssl: tlsOptions(ssl) } : {}),
    // The three mechanisms have the same fields; the union that kafkajs wants is one of whole objects.
    ...(sasl ? { sasl: { ...sasl } as SASLOptions } : {}),
  };
}

function tlsOptions(ssl: NonNullable<LogConnection['ssl']>): ConnectionOptions {
  return ssl === true || ssl === false ? {} : { ...ssl };
}
