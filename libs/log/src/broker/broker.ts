import { pino, type Logger } from 'pino';
import { BrokerConfig } from './config/config.js';
import { GroupCoordinator } from './groups/coordinator.js';
import { HANDLERS } from './handlers/index.js';
import { Dispatcher } from './network/dispatcher.js';
import { Faults, type Fault } from './network/faults.js';
import { BrokerServer } from './network/server.js';
import { checkExposure } from './security/exposure.js';
import { openSecurity } from './security/security.js';
import { lockDataDir } from './storage/data-dir-lock.js';
import { nodeFileSystem, type FileSystem } from './storage/file-system.js';
import { LogStore } from './storage/log-store.js';
import { ProducerIds } from './storage/producer-ids.js';

/** Longest that requests under way hold up the end. */
const DRAIN_MS = 5_000;

export interface BrokerOptions {
  /** Beyond the loopback, only with authentication. @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default 9092 */
  readonly port?: number;
  /** Made where it is missing. One broker at a time. */
  readonly dataDir: string;
  /** Broker settings by Kafka's own names, e.g. `num.partitions`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @default warnings and errors, on standard output */
  readonly logger?: Logger;
  /** What storage writes to; tests give one that fails. @default that of the machine */
  readonly files?: FileSystem;
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
  const { host = '127.0.0.1', port = 9092, dataDir, files = nodeFileSystem } = options;
  const logger = options.logger ?? pino({ name: 'broker', level: 'warn' });
  const config = new BrokerConfig(options.settings);
  checkExposure(host, config);
  const security = await openSecurity(config);
  const unlock = lockDataDir(dataDir);
  const server = new BrokerServer({
    host,
    port,
    logger: logger.child({ component: 'network' }),
    security,
    maxRequestBytes: () => config.number('socket.request.max.bytes'),
    maxTokenBytes: config.number('sasl.server.max.receive.size'),
    maxConnections: config.number('max.connections'),
    idleMs: config.number('connections.max.idle.ms'),
  });
  try {
    const boundPort = await server.listen();
    return await assemble({ config, server, files, dataDir, logger, host, port: boundPort, unlock });
  } catch (error) {
    await server.destroy();
    unlock();
    throw error;
  }
}

async function assemble(parts: {
  config: BrokerConfig;
  server: BrokerServer;
  files: FileSystem;
  dataDir: string;
  logger: Logger;
  host: string;
  port: number;
  unlock: () => void;
}): Promise<Broker> {
  const { config, server, files, dataDir, logger, host, port, unlock } = parts;
  const now = Date.now;
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
  const node = {
    id: config.number('broker.id'),
    host: config.text('advertised.host') || (host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host),
    port,
  };
  const services = { config, store, coordinator, producerIds, node, logger };
  const faults = new Faults();
  server.serve(new Dispatcher({ handlers: HANDLERS, services, faults, logger }));

  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= (async () => {
      coordinator.close();
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
      await store.abort();
      unlock();
    })();
    return ended;
  };
  return {
    address: `${node.host}:${port}`,
    port,
    inject: (fault) => faults.add(fault, HANDLERS.values()),
    clearFaults: () => faults.clear(),
    stop,
    kill,
    [Symbol.asyncDispose]: stop,
  };
}
