import { pino, type Logger } from 'pino';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { BrokerConfig } from './config/config.js';
import { GroupCoordinator } from './groups/coordinator.js';
import { HANDLERS } from './handlers/index.js';
import { openTelemetry, type Telemetry } from './monitoring/telemetry.js';
import { Dispatcher } from './network/dispatcher.js';
import { Faults, type Fault } from './network/faults.js';
import { settleListener } from './config/listener.js';
import { BrokerServer } from './network/server.js';
import { hostAndPort, settleNode, type BrokerNode } from './config/node.js';
import { checkExposure } from './security/exposure.js';
import { openSecurity } from './security/security.js';
import { lockDataDir } from './storage/files/data-dir-lock.js';
import { DiskHealth } from './storage/files/disk-health.js';
import { pooledFiles } from './storage/files/file-pool.js';
import { nodeFileSystem, type FileSystem } from './storage/files/file-system.js';
import { LogStore } from './storage/topics/log-store.js';
import { shareOpenFiles } from './storage/files/open-files.js';
import { ProducerIds } from './storage/producers/producer-ids.js';
import { TransactionCoordinator } from './transactions/coordinator.js';
import { VERSION } from './version.js';

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
  /** `http://host:port` of `/metrics` and `/health`, where the setting `metrics.port` asks for them. */
  readonly metricsUrl: string | undefined;
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
 * @throws SettingError, DataDirError, ListenError, TooFewFilesError
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { dataDir } = options;
  const logger = options.logger ?? pino({ name: 'broker', level: 'warn' });
  const config = new BrokerConfig(options.settings);
  const listener = settleListener(config, options);
  checkExposure(listener.host, config);
  const security = await openSecurity(config);
  const openFiles = shareOpenFiles();
  const unlock = lockDataDir(dataDir);
  const undo: (() => unknown)[] = [unlock];
  try {
    const limitedLogger = new RateLimitedLogger(logger);
    undo.push(() => limitedLogger.stop());
    const readiness = { serves: false };
    const telemetry = await openTelemetry(config.number('metrics.port'), {
      started: () => {
        if (!readiness.serves) throw new Error('the log is being read');
      },
      disk: () => disk.check(),
    });
    undo.push(() => telemetry[Symbol.asyncDispose]());
    const { meter } = telemetry;
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
      server,
      files,
      dataDir,
      logger,
      limitedLogger,
      telemetry,
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
  readonly server: BrokerServer;
  readonly files: FileSystem;
  readonly dataDir: string;
  readonly logger: Logger;
  readonly limitedLogger: RateLimitedLogger;
  readonly telemetry: Telemetry;
  readonly now: () => number;
  readonly node: BrokerNode;
  readonly port: number;
  /** What was opened, in that order; what the start opens more goes on top. */
  readonly undo: (() => unknown)[];
  readonly unlock: () => void;
}

/** Reads the log, and serves. */
async function serve(parts: Parts): Promise<Broker> {
  const { config, server, logger, limitedLogger, telemetry, now, node, port } = parts;
  const started = performance.now();
  const { store, coordinator, transactions, producerIds } = await openLog(parts);
  const recoverySeconds = (performance.now() - started) / 1000;
  const { meter, url } = telemetry;
  telemetry.measure({ store, coordinator, recoverySeconds, connectionCount: () => server.connectionCount });
  const services = { config, store, coordinator, transactions, producerIds, node, logger, meter, now };
  const faults = new Faults();
  server.serve(new Dispatcher({ handlers: HANDLERS, services, faults, logger }));
  tellStart(parts, store, recoverySeconds);

  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    ended ??= (async () => {
      logger.info('broker stops');
      coordinator.close();
      transactions.close();
      await server.drain(DRAIN_MS);
      await store.close();
      await telemetry[Symbol.asyncDispose]();
      limitedLogger.stop();
      logger.info('broker stopped: everything is on disk');
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
      await telemetry[Symbol.asyncDispose]();
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

/** What is on disk, and the coordinators that lead it: in the order in which they read it. */
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

function tellStart(
  { config, dataDir, logger, node, telemetry }: Parts,
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
      metrics: telemetry.url,
      dataDir,
      topics: store.all().length,
      partitions: store.all().reduce((sum, { partitions }) => sum + partitions.length, 0),
      closedCleanly: store.recovered.closedCleanly,
      partitionsCut: store.recovered.cut,
      recoveryMs: Math.round(recoverySeconds * 1000),
    },
    'broker started',
  );
  for (const [setting, because] of Object.entries(config.passedOver)) {
    logger.info({ setting, because }, 'a setting of Kafka that needs no heed here');
  }
}
