import { randomBytes } from 'node:crypto';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@hailstream/service/ports';
import { ProcessFolder } from '../processes/process-folder.js';
import { brokerSettings, type Ports } from './broker-settings.js';
import { KafkaError, kafkaClasspath } from './classpath.js';
import { listedBrokers } from './listed-brokers.js';

const HOST = '127.0.0.1';
/** Time limit from a broker's start until every broker lists all others. */
const READY_TIMEOUT_MS = 180_000;
const READY_POLL_MS = 100;
/** Attempts to start the cluster: another process may have taken a free port in the meantime. */
const START_ATTEMPTS = 3;
/** Lines of a broker's log that are shown if it does not start. */
const LOG_TAIL_CHARS = 3_000;
const DEFAULT_HEAP = '512m';
/** As in Kafka's own start script. */
const GARBAGE_COLLECTION = [
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
];
/** Errors and warnings go to standard output unless a file configures otherwise. */
const LOGGING = '-Dorg.apache.logging.log4j.level=WARN';

interface KafkaOptions {
  readonly brokers: 1 | 3;
  /** Broker settings that override those for a quick start. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Heap size of each broker, in the format of `-Xmx`. @default 512m */
  readonly heap?: string;
  /** Additional JVM options. */
  readonly jvm?: readonly string[];
}

/** A running Apache Kafka cluster. Brokers are identified by their index in `addresses`. */
export interface RunningKafka extends AsyncDisposable {
  /** `host:port` of each broker; they do not change. */
  readonly addresses: readonly string[];
  /** Current process id of each broker; `undefined` if it was killed or stopped. */
  readonly processIds: readonly (number | undefined)[];
  /** SIGKILL; resolves once the broker has ended. */
  kill(broker: number): Promise<void>;
  /** SIGTERM; resolves once the broker has shut down. `restart` starts it again. */
  stop(broker: number): Promise<void>;
  /** Shuts the broker down if it runs, and starts it on its data; resolves once all running brokers list it. */
  restart(broker: number): Promise<void>;
  /** SIGSTOP. */
  pause(broker: number): void;
  /** SIGCONT. */
  resume(broker: number): void;
}

/**
 * Starts Apache Kafka (KRaft, every broker a controller) on free ports of 127.0.0.1, with empty data. Disposal, or
 * the end of this process for any reason, stops it and deletes its data.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws KafkaError if it does not start
 */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const classpath = await kafkaClasspath();
  for (let attempt = 1; ; attempt += 1) {
    const cluster = new Cluster(classpath, options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      const lostRace = error instanceof KafkaError && error.message.includes('Address already in use');
      if (!lostRace || attempt === START_ATTEMPTS) throw error;
    }
  }
}

interface Node {
  readonly folder: string;
  readonly propertiesFile: string;
  readonly logFile: string;
  readonly ports: Ports;
  process?: ChildProcess;
}

class Cluster implements RunningKafka {
  private readonly folder = new ProcessFolder('hailstream-kafka-');
  private readonly nodes: Node[] = [];

  constructor(
    private readonly classpath: string,
    private readonly options: KafkaOptions,
  ) {}

  get addresses(): string[] {
    return this.nodes.map(({ ports }) => `${HOST}:${ports.broker}`);
  }

  get processIds(): (number | undefined)[] {
    return this.nodes.map((node) => (isRunning(node) ? node.process?.pid : undefined));
  }

  async start(): Promise<void> {
    const ports = await choosePorts(this.options.brokers);
    for (const [i, own] of ports.entries()) {
      const folder = join(this.folder.path, `broker-${i + 1}`);
      await mkdir(folder);
      const propertiesFile = join(folder, 'server.properties');
      const settings = brokerSettings({ node: i, host: HOST, ports, dataDir: join(folder, 'data') });
      const lines = Object.entries({ ...settings, ...this.options.settings }).map(
        ([key, value]) => `${key}=${value}\n`,
      );
      await writeFile(propertiesFile, lines.join(''));
      this.nodes.push({ folder, propertiesFile, logFile: join(folder, 'server.log'), ports: own });
    }
    const clusterId = makeClusterId();
    await Promise.all(this.nodes.map((node) => this.format(node, clusterId)));
    for (const node of this.nodes) this.launch(node);
    await this.ready();
  }

  async kill(broker: number): Promise<void> {
    await end(this.node(broker), 'SIGKILL');
  }

  async stop(broker: number): Promise<void> {
    await end(this.node(broker), 'SIGTERM');
  }

  async restart(broker: number): Promise<void> {
    await this.stop(broker);
    this.launch(this.node(broker));
    await this.ready();
  }

  pause(broker: number): void {
    this.node(broker).process?.kill('SIGSTOP');
  }

  resume(broker: number): void {
    this.node(broker).process?.kill('SIGCONT');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.folder[Symbol.asyncDispose]();
  }

  private node(broker: number): Node {
    const node = this.nodes[broker];
    if (node === undefined)
      throw new RangeError(`broker: expected an index below ${this.nodes.length}, got ${broker}`);
    return node;
  }

  /** Formats the data folder of a node that has never run. */
  private async format(node: Node, clusterId: string): Promise<void> {
    const command = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', node.propertiesFile];
    const child = this.java(node, ['-Xmx128m', '-XX:TieredStopAtLevel=1'], command);
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    if (exitCode !== 0) throw await this.failure(node, 'could not format its data folder');
  }

  private launch(node: Node): void {
    const { heap = DEFAULT_HEAP, jvm = [] } = this.options;
    const options = [`-Xmx${heap}`, `-Xms${heap}`, ...GARBAGE_COLLECTION, ...jvm];
    node.process = this.java(node, options, ['kafka.Kafka', node.propertiesFile]);
  }

  private java(node: Node, options: readonly string[], command: readonly string[]): ChildProcess {
    const log = openSync(node.logFile, 'a');
    try {
      return this.folder.spawn({
        command: 'java',
        args: [...options, LOGGING, '-cp', this.classpath, ...command],
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
  }

  /** Resolves once every running broker lists all running brokers. */
  private async ready(): Promise<void> {
    const running = this.nodes.filter(isRunning);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const ended = running.find((node) => !isRunning(node));
      if (ended) throw await this.failure(ended, 'ended before it was ready');
      const listed = await Promise.all(running.map(({ ports }) => listedBrokers(HOST, ports.broker)));
      const late = listed.findIndex((count) => count < running.length);
      if (late < 0) return;
      if (performance.now() > deadline)
        throw await this.failure(
          running[late] as Node,
          `lists ${listed[late]} of ${running.length} brokers after ${READY_TIMEOUT_MS / 1000} s`,
        );
      await delay(READY_POLL_MS);
    }
  }

  private async failure(node: Node, what: string): Promise<KafkaError> {
    const log = (await readFile(node.logFile, 'utf8')).trim().slice(-LOG_TAIL_CHARS);
    return new KafkaError('FAILED', `broker ${this.nodes.indexOf(node) + 1} of Kafka ${what}:\n${log}`);
  }
}

function isRunning({ process: child }: Node): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function end(node: Node, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(node) || node.process === undefined) return;
  const exited = once(node.process, 'exit');
  node.process.kill(signal);
  // A paused process receives no other signal.
  if (signal !== 'SIGKILL') node.process.kill('SIGCONT');
  await exited;
}

async function choosePorts(brokers: number): Promise<Ports[]> {
  const chosen: number[] = [];
  const next = async (): Promise<number> => {
    const port = await freePort(HOST, chosen);
    chosen.push(port);
    return port;
  };
  const ports: Ports[] = [];
  for (let i = 0; i < brokers; i += 1) ports.push({ broker: await next(), controller: await next() });
  return ports;
}

/** 16 bytes in URL-safe Base64. It must not begin with a dash, because it is passed as a command-line argument. */
function makeClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}
