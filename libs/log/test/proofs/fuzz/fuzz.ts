import * as fs from 'node:fs/promises';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import * as tls from 'node:tls';
import { bundleBroker, runBroker, type BrokerProcess } from '../../broker/broker-process.js';
import { RawClient, request } from '../../broker/raw-client.js';
import { SAMPLE_TOPIC } from '../../broker/samples.js';
import { PASSWORD, TLS_SETTINGS, USER, writeUsers } from '../../broker/secured-broker.js';
import { createTopic } from '../crash/topics.js';
import { Random, until } from '@hailstream/service/testing';
import { COMPACTED_TOPIC, FrameFuzzer } from './mutations.js';
import { SteadyClient } from './steady.js';

/** Memory limit of the broker. */
const MAX_RSS_BYTES = 768 << 20;
/** Limit of open files and sockets in addition to those of its clients. */
const MAX_OTHER_FILES = 200;
const CONNECTIONS = 24;
const MAX_FRAMES_PER_CONNECTION = 30;
/**
 * How long a connection waits for the next response, counted in records of the steady client. Some frames make the
 * broker wait for minutes, and the throughput of the machine is not known.
 */
const PATIENCE_RECORDS = 4;
/** Every n-th connection goes to the broker that requires authentication. */
const SECURED_EVERY = 10;
const WATCH_EVERY_MS = 250;
const START_TIMEOUT_MS = 60_000;
const SASL_HANDSHAKE = 17;
const SASL_AUTHENTICATE = 36;

/** Rolls, retention and compaction run continuously. Only errors are logged. */
const SETTINGS = {
  'auto.create.topics.enable': 'false',
  'log.segment.bytes': '65536',
  'log.retention.bytes': '1000000',
  'log.retention.check.interval.ms': '200',
  'log.cleaner.backoff.ms': '200',
  'group.max.session.timeout.ms': '10000',
};

interface FuzzOptions {
  /** Minimum number of frames to send. */
  readonly frames: number;
  readonly seed: number;
  readonly onFrames?: (frames: number) => void;
}

/** The result of a run. */
interface FuzzReport {
  readonly frames: number;
  readonly connections: number;
  readonly steadyRecords: number;
  readonly largestRssBytes: number;
}

/**
 * Sends invalid requests to a broker.
 * @throws Error if the broker exits, exceeds a limit, fails other clients or logs an error
 */
export async function proveFuzz({ frames, seed, onFrames }: FuzzOptions): Promise<FuzzReport> {
  const main = await bundleBroker('fuzz');
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-fuzz-'));
  const fuzz = new Fuzz(main, folder, new Random(seed));
  try {
    return await fuzz.run(frames, onFrames);
  } finally {
    await fuzz.kill();
    await fs.rm(folder, { recursive: true });
  }
}

class Fuzz {
  private readonly fuzzer: FrameFuzzer;
  private readonly brokers: FuzzedBroker[] = [];
  private steady: SteadyClient | undefined;
  private seen = 0;
  private connections = 0;

  constructor(
    private readonly main: string,
    private readonly folder: string,
    private readonly random: Random,
  ) {
    this.fuzzer = new FrameFuzzer(random);
  }

  async run(frames: number, onFrames: (frames: number) => void = () => undefined): Promise<FuzzReport> {
    const open = await this.start('open', {});
    const secured = await this.start('secured', {
      'listener.security.protocol': 'SASL_SSL',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'sasl.users.file': await writeUsers(this.folder),
      'connection.failed.authentication.delay.ms': '0',
      ...TLS_SETTINGS,
    });
    {
      using client = await RawClient.connect(open.port);
      await createTopic(client, SAMPLE_TOPIC, 2);
      await createTopic(client, COMPACTED_TOPIC, 1, {
        'cleanup.policy': 'compact',
        'segment.bytes': '4096',
        'min.cleanable.dirty.ratio': '0',
      });
    }
    const steady = await SteadyClient.begin(open.port);
    this.steady = steady;
    const senders = Array.from({ length: CONNECTIONS }, async () => {
      while (this.seen < frames) {
        const isSecured = ++this.connections % SECURED_EVERY === 0;
        const seen = await (isSecured ? this.sendSecured(secured.port) : this.send(open.port));
        this.seen += seen;
        onFrames(this.seen);
        for (const broker of this.brokers) broker.expectWell();
      }
    });
    await Promise.race([Promise.all(senders), steady.failed.then(() => Promise.all(senders))]);
    const steadyRecords = await steady.end();
    for (const broker of this.brokers) await broker.stop();
    // Records that were accepted must not break the next start.
    const again = await this.start('open', {});
    await steady.expectAll(again.port);
    await again.stop();
    const largestRssBytes = Math.max(...this.brokers.map((broker) => broker.largestRssBytes));
    return { frames: this.seen, connections: this.connections, steadyRecords, largestRssBytes };
  }

  async kill(): Promise<void> {
    for (const broker of this.brokers) await broker.kill();
  }

  private async start(name: string, settings: Readonly<Record<string, string>>): Promise<FuzzedBroker> {
    const args = Object.entries({ ...SETTINGS, ...settings }).flatMap(([key, value]) => [
      '--set',
      `${key}=${value}`,
    ]);
    const dataDir = path.join(this.folder, name);
    const broker = new FuzzedBroker(
      runBroker(this.main, ['--port', '0', '--data-dir', dataDir, '--log-level', 'error', ...args]),
    );
    this.brokers.push(broker);
    await broker.started();
    return broker;
  }

  private async send(port: number): Promise<number> {
    const socket = net.connect(port, '127.0.0.1');
    return this.converse(socket, 'connect');
  }

  private async sendSecured(port: number): Promise<number> {
    // Some frames are sent without TLS to the TLS listener.
    if (this.random.chance(0.2)) return this.send(port);
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const introduction = this.random.chance(0.5) ? authenticate() : [];
    return this.converse(socket, 'secureConnect', introduction);
  }

  /** @returns the number of frames that were answered or closed the connection */
  private async converse(
    socket: net.Socket,
    ready: 'connect' | 'secureConnect',
    introduction: readonly Buffer[] = [],
  ): Promise<number> {
    const frames = Array.from({ length: 1 + this.random.below(MAX_FRAMES_PER_CONNECTION) }, () =>
      this.fuzzer.frame(),
    );
    let answers = 0;
    let closed = false;
    let lastProgress = this.steady?.appended ?? 0;
    const advance = () => {
      lastProgress = this.steady?.appended ?? 0;
    };
    await new Promise<void>((resolve) => {
      const count = responseCounter(() => {
        answers++;
        advance();
        if (answers === introduction.length + frames.length) resolve();
      });
      socket.on('data', count);
      socket.once(ready, () => {
        advance();
        socket.write(Buffer.concat([...introduction, ...frames]));
      });
      // The broker may close with a reset.
      socket.on('error', () => undefined);
      socket.once('close', () => {
        closed = true;
        resolve();
      });
      this.steady?.onAppended((appended) => {
        if (!socket.destroyed && appended - lastProgress < PATIENCE_RECORDS) return true;
        resolve();
        return false;
      });
    });
    socket.destroy();
    return Math.max(answers - introduction.length, 0) + (closed ? 1 : 0);
  }
}

/** Authenticates, so that the following frames are processed. */
function authenticate(): Buffer[] {
  return [
    request(SASL_HANDSHAKE, 1, 1, { mechanism: 'PLAIN' }),
    request(SASL_AUTHENTICATE, 1, 2, { authBytes: Buffer.from(`\0${USER}\0${PASSWORD}`) }),
  ];
}

/** Counts responses in a byte stream without decoding them. */
function responseCounter(onAnswer: () => void): (chunk: Buffer) => void {
  let head = Buffer.alloc(0);
  let skip = 0;
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      const skipped = Math.min(skip, rest.length);
      skip -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      const consumed = rest.subarray(0, 4 - head.length);
      head = Buffer.concat([head, consumed]);
      rest = rest.subarray(consumed.length);
      if (head.length < 4) return;
      skip = head.readInt32BE();
      head = Buffer.alloc(0);
      onAnswer();
    }
  };
}

/** A monitored broker process. */
class FuzzedBroker {
  largestRssBytes = 0;
  port = 0;
  private problem: string | undefined;
  private watch: NodeJS.Timeout | undefined;

  constructor(private readonly broker: BrokerProcess) {}

  async started(): Promise<void> {
    const { broker } = this;
    await until(() => broker.output().includes('listening on') || broker.child.exitCode !== null, {
      timeoutMs: START_TIMEOUT_MS,
    });
    const port = /listening on [^:]+:(\d+)/.exec(broker.output())?.[1];
    if (port === undefined) throw new Error(`the broker did not start: ${broker.output()}`);
    this.port = Number(port);
    this.watch = setInterval(() => void this.measure(), WATCH_EVERY_MS);
  }

  /** @throws Error if it has exited, exceeded a limit or logged an error */
  expectWell(): void {
    const { broker } = this;
    if (broker.child.exitCode !== null || broker.child.signalCode !== null) {
      this.problem ??= 'the broker exited';
    }
    if (broker.output().includes('"level":50')) this.problem ??= 'the broker logged an error';
    if (this.problem !== undefined) throw new Error(`${this.problem}: ${broker.output().slice(0, 4000)}`);
  }

  async stop(): Promise<void> {
    clearInterval(this.watch);
    this.expectWell();
    this.broker.child.kill('SIGTERM');
    const code = await this.broker.exited;
    if (code !== 0) throw new Error(`the broker did not shut down gracefully: ${this.broker.output()}`);
  }

  async kill(): Promise<void> {
    clearInterval(this.watch);
    this.broker.child.kill('SIGKILL');
    await this.broker.exited;
  }

  /** Only Linux provides these numbers. */
  private async measure(): Promise<void> {
    const process = `/proc/${this.broker.child.pid}`;
    const [status, files] = await Promise.all([
      fs.readFile(`${process}/status`, 'utf8').catch(() => ''),
      fs.readdir(`${process}/fd`).catch(() => []),
    ]);
    const rssBytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
    this.largestRssBytes = Math.max(this.largestRssBytes, rssBytes);
    if (rssBytes > MAX_RSS_BYTES) this.problem ??= `the broker uses ${rssBytes} bytes of memory`;
    if (files.length > MAX_OTHER_FILES + 4 * CONNECTIONS) {
      this.problem ??= `the broker has ${files.length} files open`;
    }
  }
}
