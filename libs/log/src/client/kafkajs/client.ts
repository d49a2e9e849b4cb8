import type { Socket } from 'node:net';
import { Kafka, logLevel, type ISocketFactory, type KafkaConfig, type SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import type { LogConnection } from '../shared/connection.js';
import { addressOf, openBrokerSocket, tlsOptions } from './broker-socket.js';
import './codecs.js';
import { kafkajsLogCreator } from './log-creator.js';
import { SilentBrokers } from './unresponsive-brokers.js';

/** Longest that opening a connection to a broker may take. */
const CONNECT_TIMEOUT_MS = 3_000;
/** How often it is looked whether a broker owes an answer, and how long it may before it is asked whether it is there. */
const LOOK_MS = 500;
const SUSPECT_AFTER_MS = 1_000;

export interface KafkajsClientOptions {
  readonly connection: LogConnection;
  readonly logger: Logger;
  /** Longest that a broker may take to answer one request. */
  readonly requestTimeoutMs: number;
}

/** What is known of a connection's other side. */
interface Debt {
  readonly address: string;
  /** Bytes that had been written when something was last read; less than none before that. */
  writtenAtRead: number;
  /** Since when more than that has been written: a new connection owes its first answer. */
  owedSinceMs: number | undefined;
}

/**
 * A kafkajs client whose sockets are ours. kafkajs neither closes a connection on which nothing answers any more, nor
 * stops retrying once it was told to disconnect; so both are done here, where the sockets are made.
 */
export class KafkajsClient {
  readonly kafka: Kafka;
  private readonly sockets = new Map<Socket, Debt>();
  private readonly silentBrokers: SilentBrokers;
  private readonly stopListening: () => void;
  private readonly watch: NodeJS.Timeout;
  private killed = false;

  constructor(private readonly options: KafkajsClientOptions) {
    const { connection, logger, requestTimeoutMs } = options;
    this.silentBrokers = SilentBrokers.of(connection);
    this.stopListening = this.silentBrokers.onSilent((address) => this.dropSockets(address));
    this.watch = setInterval(() => this.suspectDebtors(), LOOK_MS).unref();
    this.kafka = new Kafka({
      brokers: startingAnywhere(connection.brokers),
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

  /** Ends the connections to a broker, or all, as a network fault would. kafkajs opens new ones and goes on where it was. */
  dropSockets(address?: string): void {
    for (const [socket, debt] of this.sockets) {
      if (address === undefined || debt.address === address)
        socket.destroy(new Error('the connection was given up'));
    }
  }

  /** Ends every connection and refuses new ones: whatever kafkajs still tries from now on, fails at once. */
  kill(): void {
    this.killed = true;
    clearInterval(this.watch);
    this.stopListening();
    this.dropSockets();
  }

  private readonly openSocket: ISocketFactory = ({ host, port, onConnect }) => {
    const address = addressOf({ host, port });
    if (this.killed) throw new Error('the client was closed');
    if (this.silentBrokers.isSilent(address)) throw new Error(`${address} does not answer`);
    const socket = openBrokerSocket({ host, port, tls: tlsOptions(this.options.connection) }, onConnect);
    // kafkajs tells a socket that is still connecting to end as often as it likes; each time is a listener more.
    socket.setMaxListeners(0);
    const debt: Debt = { address, writtenAtRead: -1, owedSinceMs: undefined };
    this.sockets.set(socket, debt);
    socket.on('data', () => {
      debt.writtenAtRead = socket.bytesWritten;
      debt.owedSinceMs = undefined;
    });
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  };

  private suspectDebtors(): void {
    const now = performance.now();
    for (const [socket, debt] of this.sockets) {
      if (socket.bytesWritten <= debt.writtenAtRead) continue;
      debt.owedSinceMs ??= now;
      if (now - debt.owedSinceMs < SUSPECT_AFTER_MS) continue;
      this.silentBrokers.suspect(debt.address);
      // It may wait with reason, for members or for copies: then it is asked again after as long.
      debt.owedSinceMs = now;
    }
  }
}

/** kafkajs asks the first one first: with many clients, each time they start anew, and though it may be gone. */
function startingAnywhere(brokers: readonly string[]): string[] {
  const start = Math.floor(Math.random() * brokers.length);
  return [...brokers.slice(start), ...brokers.slice(0, start)];
}

function security(connection: LogConnection): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const { sasl } = connection;
  const tls = tlsOptions(connection);
  return {
    ...(tls ? { ssl: tls } : {}),
    // The three mechanisms have the same fields; the union that kafkajs wants is one of whole objects.
    ...(sasl ? { sasl: { ...sasl } as SASLOptions } : {}),
  };
}
