import { pino, type Logger } from 'pino';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { BrokerConfig } from './config/config.js';
import { GroupCoordinator } from './groups/coordinator.js';
import { HANDLERS } from './handlers/index.js';
import { openMonitoring, type Monitoring } from './monitoring/monitoring.js';
import { Dispatcher } from './network/dispatcher.js';
import { Faults, type Fault } from './network/faults.js';
import { settleListener } from './config/listener.js';
import { BrokerServer } from './network/server.js';
import { hostAndPort, settleNode, type BrokerNode } from './config/node.js';
import { checkExposure } from './security/exposure.js';
import { openAuthorizer } from './security/access/open-authorizer.js';
import type { Authorizer } from './security/access/authorizer.js';
import { warnOfReadableSecrets } from './security/private-files.js';
import { openSecurity } from './security/security.js';
import { lockDataDir } from './storage/files/data-dir-lock.js';
import { DiskHealth } from './storage/files/disk-health.js';
import { pooledFiles } from './storage/files/file-pool.js';
import { nodeFileSystem, type FileSystem } from './storage/files/file-system.js';
import { TOPICS_FILE } from './storage/topics/topics-file.js';
import { LogStore } from './storage/topics/log-store.js';
import { shareOpenFiles } from './storage/files/open-files.js';
import { ProducerIds } from './storage/producers/producer-ids.js';
import { TransactionCoordinator } from './transactions/coordinator.js';

/** Version of this package, printed by `--version` and logged at start. */
export const VERSION = '0.1.0';

/** Time limit for requests in progress when the broker stops. */
const DRAIN_MS = 5_000;

export interface BrokerOptions {
  /** Others than loopback require authentication. @default host of the setting `listeners`, or '127.0.0.1' */
  readonly host?: string;
  /** 0: any free port. @default port of `listeners`, or 9092 */
  readonly port?: number;
  /** Created if missing. Used by one broker at a time. */
  readonly dataDir: string;
  /** Broker settings by Kafka's names, e.g. `num.partitions`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @default logs warnings and errors to standard output */
  readonly logger?: Logger;
  /** File system of the log, for tests. @default that of the machine */
  readonly files?: FileSystem;
  /** Clock of retention and expiry, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** A running embedded broker. Disposal stops it. */
export interface Broker extends AsyncDisposable {
  /** `host:port` for clients. */
  readonly address: string;
  readonly port: number;
  /** Base URL of `/metrics` and `/health`; undefined if `metrics.port` is -1. */
  readonly metricsUrl: string | undefined;
  /** Injects a fault into later requests. */
  inject(fault: Fault): void;
  /** Removes faults that have not occurred yet. */
  clearFaults(): void;
  /** Answers the requests in progress, syncs and closes the log. The same as disposal. */
  stop(): Promise<void>;
  /** Stops without responses, sync or clean shutdown, as if the process had been killed. */
  kill(): Promise<void>;
}

/**
 * Starts a broker. Resolves once it serves requests.
 *
 * @throws SettingError, DataDirError, ListenError, TooFewFilesError
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { dataDir } = options;
  const logger = options.logger ?? pino({ name: 'broker', level: 'warn' });
  const config = new BrokerConfig(options.settings);
  const listener = settleListener(config, options);
  checkExposure(listener.host, config);
  const security = await openSecurity(config);
  const authorizer = await openAuthorizer(config);
  await warnOfReadableSecrets(config, logger);
  const openFiles = shareOpenFiles();
  const unlock = lockDataDir(dataDir, TOPICS_FILE);
  const undo: (() => unknown)[] = [unlock];
  try {
    const limitedLogger = new RateLimitedLogger(logger);
    undo.push(() => limitedLogger.stop());
    const readiness = { serves: false };
    const monitoring = await openMonitoring(config.number('metrics.port'), {
      started: () => {
        if (!readiness.serves) throw new Error('the log is being loaded');
      },
      disk: () => disk.check(),
    });
    undo.push(() => monitoring[Symbol.asyncDispose]());
    const { meter } = monitoring;
    const disk = new DiskHealth(limitedLogger, meter);
    const server = new BrokerServer({
      host: listener.host,
      port: listener.port,
      logger: logger.child({ component: 'network' }),
      limitedLogger,
      meter,
      security,
      maxRequestBytes: () => config.number('socket.request.max.bytes'),
      maxTokenBytes: config.number('sasl.server.max.receive.size'),
      maxConnections: () => config.number('max.connections'),
      maxConnectionsPerAddress: () => config.number('max.connections.per.ip'),
      maxSockets: openFiles.sockets,
      idleMs: config.number('connections.max.idle.ms'),
    });
    undo.push(() => server.destroy());
    const port = await server.listen();
    const node = settleNode(config, { listener, port, dataDir });
    const files = pooledFiles(options.files ?? nodeFileSystem, { budget: openFiles, observer: disk });
    const now = options.now ?? Date.now;
    const broker = await serve({
      config,
      authorizer,
      server,
      files,
      dataDir,
      logger,
      limitedLogger,
      monitoring,
      now,
      node,
      port,
      undo,
      unlock,
    });
    readiness.serves = true;
    return broker;
  } catch (error) {
    for (const close of undo.toReversed()) await close();
    throw error;
  }
}

interface Parts {
  readonly config: BrokerConfig;
  readonly authorizer: Authorizer | undefined;
  readonly server: BrokerServer;
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly monitoring: Monitoring;
  readonly now: () => number;
  readonly node: BrokerNode;
  readonly port: number;
  /** Closes what was opened, in the order of opening. */
  readonly undo: (() => unknown)[];
  readonly unlock: () => void;
}

/** Loads the log and serves requests. */
async function serve(parts: Parts): Promise<Broker> {
  const { config, server, logger, limitedLogger, monitoring, now, node, port } = parts;
  const started = performance.now();
  const { store, coordinator, transactions, producerIds } = await openLog(parts);
  const recoverySeconds = (performance.now() - started) / 1000;
  const { meter, url } = monitoring;
  monitoring.measure({ store, coordinator, recoverySeconds, connectionCount: () => server.connectionCount });
  const { authorizer } = parts;
  const parted = { store, coordinator, transactions, producerIds };
  const services = { config, ...parted, authorizer, node, logger, meter, now };
  const faults = new Faults();
  server.serve(new Dispatcher({ handlers: HANDLERS, services, faults, logger }));
  logStart(parts, store, recoverySeconds);

  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= (async () => {
      logger.info('broker stopping');
      coordinator.close();
      transactions.close();
      await server.drain(DRAIN_MS);
      await store.close();
      await monitoring[Symbol.asyncDispose]();
      limitedLogger.stop();
      logger.info('broker stopped, log synced');
      parts.unlock();
    })();
    return ended;
  };
  const kill = (): Promise<void> => {
    ended ??= (async () => {
      await server.destroy();
      coordinator.close();
      transactions.close();
      await store.abort();
      await monitoring[Symbol.asyncDispose]();
      limitedLogger.stop();
      parts.unlock();
    })();
    return ended;
  };
  return {
    address: hostAndPort(node),
    port,
    metricsUrl: url,
    inject: (fault) => faults.add(fault, HANDLERS.values()),
    clearFaults: () => faults.clear(),
    stop,
    kill,
    [Symbol.asyncDispose]: stop,
  };
}

/** Opens the log and the coordinators, in the order of their dependencies. */
async function openLog({ config, files, dataDir, logger, limitedLogger, now, undo }: Parts) {
  const store = await LogStore.open({
    files,
    dataDir,
    config,
    now,
    limitedLogger,
    logger: logger.child({ component: 'storage' }),
  });
  undo.push(() => store.abort());
  const coordinator = await GroupCoordinator.open({
    store,
    config,
    now,
    logger: logger.child({ component: 'groups' }),
  });
  undo.push(() => coordinator.close());
  const producerIds = await ProducerIds.open(files, dataDir);
  const transactions = await TransactionCoordinator.open({
    store,
    groups: coordinator,
    producerIds,
    config,
    now,
    logger: logger.child({ component: 'transactions' }),
  });
  undo.push(() => transactions.close());
  return { store, coordinator, transactions, producerIds };
}

function logStart(
  { config, dataDir, logger, node, monitoring }: Parts,
  store: LogStore,
  recoverySeconds: number,
): void {
  logger.info(
    {
      version: VERSION,
      nodeId: node.id,
      clusterId: store.clusterId,
      listeners: config.text('listeners'),
      advertised: config.text('advertised.listeners'),
      metrics: monitoring.url,
      dataDir,
      topics: store.all().length,
      partitions: store.all().reduce((sum, { partitions }) => sum + partitions.length, 0),
      closedCleanly: store.recovered.closedCleanly,
      partitionsCut: store.recovered.cut,
      recoveryMs: Math.round(recoverySeconds * 1000),
    },
    'broker started',
  );
  for (const [setting, reason] of Object.entries(config.withoutEffect)) {
    logger.info({ setting, reason }, 'setting has no effect');
  }
}
