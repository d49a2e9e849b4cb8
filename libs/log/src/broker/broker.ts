import { pino, type Logger } from 'pino';
import { BrokerConfig } from './config/config.js';
import { SettingError } from './config/settings.js';
import { GroupCoordinator } from './groups/coordinator.js';
import type { Services } from './handlers/handler.js';
import { HANDLERS } from './handlers/index.js';
import { Dispatcher } from './network/dispatcher.js';
import { Faults, type Fault } from './network/faults.js';
import { addressFor, settleListener, type Listener } from './network/listener.js';
import { BrokerServer } from './network/server.js';
import { checkExposure } from './security/exposure.js';
import { openSecurity } from './security/security.js';
import { lockDataDir } from './storage/data-dir-lock.js';
import { nodeFileSystem, type FileSystem } from './storage/file-system.js';
import { LogStore } from './storage/log-store.js';
import { ProducerIds } from './storage/producer-ids.js';
import { TransactionCoordinator } from './transactions/coordinator.js';

/** Longest that requests under way hold up the end. */
const DRAIN_MS = 5_000;

export interface BrokerOptions {
  /** Beyond the loopback, only with authentication. @default that of the setting `listeners`, else '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default that of `listeners`, else 9092 */
  readonly port?: number;
  /** Made where it is missing. One broker at a time. */
  readonly dataDir: string;
  /** Broker settings by Kafka's own names, e.g. `num.partitions`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @default warnings and errors, on standard output */
  readonly logger?: Logger;
  /** What storage writes to; tests give one that fails. @default that of the machine */
  readonly files?: FileSystem;
  /** Milliseconds since 1970, by which retention and expiry go. @default Date.now */
  readonly now?: () => number;
}

/** A running embedded broker. Disposal closes its listeners and its log. */
export interface Broker extends AsyncDisposable {
  /** `host:port`, as clients need it. */
  readonly address: string;
  readonly port: number;
  /** Makes something go wrong with requests to come. */
  inject(fault: Fault): void;
  /** Takes back the faults that have not happened yet. */
  clearFaults(): void;
  /** Answers what was asked, syncs and closes. The same as disposal. */
  stop(): Promise<void>;
  /** Ends as a killed process would: nothing is answered, synced or noted as closed. */
  kill(): Promise<void>;
}

/**
 * Starts a broker; resolves once it serves.
 *
 * @throws SettingError, DataDirError, ListenError
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { dataDir } = options;
  const logger = options.logger ?? pino({ name: 'broker', level: 'warn' });
  const config = new BrokerConfig(options.settings);
  const listener = settleListener(config, options);
  checkExposure(listener.host, config);
  const security = await openSecurity(config);
  const unlock = lockDataDir(dataDir);
  const server = new BrokerServer({
    host: listener.host,
    port: listener.port,
    logger: logger.child({ component: 'network' }),
    security,
    maxRequestBytes: () => config.number('socket.request.max.bytes'),
    maxTokenBytes: config.number('sasl.server.max.receive.size'),
    maxConnections: () => config.number('max.connections'),
    maxConnectionsPerAddress: () => config.number('max.connections.per.ip'),
    idleMs: config.number('connections.max.idle.ms'),
  });
  try {
    const port = await server.listen();
    const { files = nodeFileSystem, now = Date.now } = options;
    const node = settleNode(config, { listener, port, dataDir });
    return await assemble({ config, server, files, dataDir, logger, now, node, port, unlock });
  } catch (error) {
    await server.destroy();
    unlock();
    throw error;
  }
}

/** What clients are told of this broker, and what its settings came to. @throws SettingError */
function settleNode(
  config: BrokerConfig,
  { listener, port, dataDir }: { listener: Listener; port: number; dataDir: string },
): Services['node'] {
  const older = config.number('broker.id');
  const id = config.wasGiven('node.id') || older < 0 ? config.number('node.id') : older;
  if (older >= 0 && older !== id) throw new SettingError(`broker.id is not what node.id says: ${id}`);
  const address = addressFor(listener, port);
  config.settle('node.id', String(id));
  config.settle('broker.id', String(id));
  config.settle('listeners', `${listener.name}://${bracketed(listener.host)}:${port}`);
  config.settle('advertised.listeners', `${listener.name}://${bracketed(address.host)}:${address.port}`);
  config.settle('log.dirs', dataDir);
  config.settle('log.dir', dataDir);
  return { id, ...address, rack: config.text('broker.rack') || null };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

async function assemble(parts: {
  config: BrokerConfig;
  server: BrokerServer;
  files: FileSystem;
  dataDir: string;
  logger: Logger;
  now: () => number;
  node: Services['node'];
  port: number;
  unlock: () => void;
}): Promise<Broker> {
  const { config, server, logger, now, node, port, unlock } = parts;
  const { store, coordinator, transactions, producerIds } = await openLog(parts);
  const services = { config, store, coordinator, transactions, producerIds, node, logger, now };
  const faults = new Faults();
  server.serve(new Dispatcher({ handlers: HANDLERS, services, faults, logger }));

  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= (async () => {
      coordinator.close();
      transactions.close();
      await server.drain(DRAIN_MS);
      await store.close();
      unlock();
    })();
    return ended;
  };
  const kill = (): Promise<void> => {
    ended ??= (async () => {
      await server.destroy();
      coordinator.close();
      transactions.close();
      await store.abort();
      unlock();
    })();
    return ended;
  };
  return {
    address: `${bracketed(node.host)}:${node.port}`,
    port,
    inject: (fault) => faults.add(fault, HANDLERS.values()),
    clearFaults: () => faults.clear(),
    stop,
    kill,
    [Symbol.asyncDispose]: stop,
  };
}

/** What is on disk, and the coordinators that lead it: in the order in which they read it. */
async function openLog(parts: {
  config: BrokerConfig;
  files: FileSystem;
  dataDir: string;
  logger: Logger;
  now: () => number;
}) {
  const { config, files, dataDir, logger, now } = parts;
  const store = await LogStore.open({
    files,
    dataDir,
    config,
    now,
    logger: logger.child({ component: 'storage' }),
  });
  const coordinator = await GroupCoordinator.open({
    store,
    config,
    now,
    logger: logger.child({ component: 'groups' }),
  });
  const producerIds = await ProducerIds.open(files, dataDir);
  const transactions = await TransactionCoordinator.open({
    store,
    groups: coordinator,
    producerIds,
    config,
    now,
    logger: logger.child({ component: 'transactions' }),
  });
  return { store, coordinator, transactions, producerIds };
}
