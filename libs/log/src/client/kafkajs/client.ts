import type { Socket } from 'node:net';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import type { LogConnection } from '../core/connection.js';
import { addressOf, openBrokerSocket, tlsOptions } from './broker-socket.js';
import './codecs.js';
import { kafkajsLogCreator } from './log-creator.js';
import './request-queue.js';
import './response-buffer.js';
import { UnresponsiveBrokers } from './unresponsive-brokers.js';

/** Maximum time that opening a connection to a broker may take. */
const CONNECT_TIMEOUT_MS = 3_000;
/** How often connections are checked for pending responses, and how long one may take before its broker is probed. */
const CHECK_MS = 500;
const PROBE_AFTER_MS = 1_000;

export interface KafkajsClientOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Maximum time that a broker may take to answer one request. */
  readonly requestTimeoutMs: number;
}

/** Whether a connection waits for a response. */
interface PendingResponse {
  readonly address: string;
  /** Bytes that had been written when something was last read; -1 before that. */
  writtenAtRead: number;
  /** Since when more than that has been written. */
  pendingSinceMs: number | undefined;
}

/**
 * A kafkajs client whose sockets are opened here. kafkajs neither closes a connection on which no response arrives, nor stops
 * retrying after it is told to disconnect; this class does both.
 */
export class KafkajsClient {
  readonly kafka: Kafka;
  private readonly sockets = new Map<Socket, PendingResponse>();
  private readonly unresponsiveBrokers: UnresponsiveBrokers;
  private readonly stopListening: () => void;
  private readonly watch: NodeJS.Timeout;
  private killed = false;

  constructor(private readonly options: KafkajsClientOptions) {
    const { connection, logger, requestTimeoutMs } = options;
    this.unresponsiveBrokers = UnresponsiveBrokers.of(connection);
    this.stopListening = this.unresponsiveBrokers.onUnresponsive((address) => this.dropSockets(address));
    this.watch = setInterval(() => this.probeUnresponsive(), CHECK_MS).unref();
    this.kafka = new Kafka({
      brokers: startingAnywhere(connection.brokers),
      clientId: connection.clientId,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      authenticationTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      enforceRequestTimeout: true,
      // One quick retry within kafkajs; the callers in this library do all others, with their own limits and log messages.
      retry: { retries: 1, initialRetryTime: 50, maxRetryTime: 200 },
      logLevel: logger.isLevelEnabled('debug') ? logLevel.DEBUG : logLevel.WARN,
      logCreator: kafkajsLogCreator(logger),
      socketFactory: this.openSocket,
      ...security(connection),
    });
  }

  /** Closes the connections to one broker, or all, as a network failure would. kafkajs opens new ones and continues. */
  dropSockets(address?: string): void {
    for (const [socket, pending] of this.sockets) {
      if (address === undefined || pending.address === address)
        socket.destroy(new Error('connection closed, the broker does not respond'));
    }
  }

  /** Closes all connections and refuses new ones, so that all further attempts of kafkajs fail immediately. */
  kill(): void {
    this.killed = true;
    clearInterval(this.watch);
    this.stopListening();
    this.dropSockets();
  }

  private readonly openSocket: ISocketFactory = ({ host, port, onConnect }) => {
    const address = addressOf({ host, port });
    if (this.killed) throw new Error('the client is closed');
    if (this.unresponsiveBrokers.isUnresponsive(address))
      throw new Error(`broker ${address} is unresponsive`);
    const socket = openBrokerSocket({ host, port, tls: tlsOptions(this.options.connection) }, onConnect);
    // kafkajs may end a connecting socket many times, and each time adds a listener.
    socket.setMaxListeners(0);
    const pending: PendingResponse = { address, writtenAtRead: -1, pendingSinceMs: undefined };
    this.sockets.set(socket, pending);
    socket.on('data', () => {
      pending.writtenAtRead = socket.bytesWritten;
      pending.pendingSinceMs = undefined;
    });
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  };

  private probeUnresponsive(): void {
    const now = performance.now();
    for (const [socket, pending] of this.sockets) {
      if (socket.bytesWritten <= pending.writtenAtRead) continue;
      pending.pendingSinceMs ??= now;
      if (now - pending.pendingSinceMs < PROBE_AFTER_MS) continue;
      this.unresponsiveBrokers.probe(pending.address);
      // The broker may have a reason to wait, for group members or replicas. Then it is probed again later.
      pending.pendingSinceMs = now;
    }
  }
}

/** kafkajs always contacts the first broker first, so each client gets the list from another start. */
function startingAnywhere(brokers: readonly string[]): string[] {
  const start = Math.floor(Math.random() * brokers.length);
  return [...brokers.slice(start), ...brokers.slice(0, start)];
}

function security(connection: LogConnection): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { sasl } = connection;
  const tls = tlsOptions(connection);
  return {
    ...(tls ? { ssl: tls } : {}),
    // The mechanisms have the same fields, but kafkajs declares a union of whole objects.
    ...(sasl ? { sasl: { ...sasl } as SASLOptions } : {}),
  };
}
