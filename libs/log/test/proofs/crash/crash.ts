import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { bundleBroker, runBroker, type BrokerProcess } from '../../broker/broker-process.js';
import { RawClient } from '../../broker/raw-client.js';
import { Random, until } from '@hailstream/service/testing';
import {
  checkCommitted,
  checkNoLeftovers,
  checkPartition,
  checkProducer,
  require,
  type CleanupPolicy,
} from './audit.js';
import { BrokenPromiseError, Committer, IdempotentProducer, type Client } from './clients.js';
import { GapReader } from './readers.js';
import { createTopic, deleteTopic, partitionsByTopic, TopicChanger } from './topics.js';
import { checkTransactions, TransactionalProducer } from './transactions.js';

/** Maximum number of responses before the kill. */
const MAX_RESPONSES = 150;
/** Maximum time from the last response to the kill. */
const MAX_DELAY_MS = 5;
/** Maximum time from a start to its kill. */
const MAX_RECOVERY_MS = 400;
const RECOVERY_KILLED = 0.1;
/** Number of rounds after which topics are replaced, so that rounds stay short. */
const ROUNDS_PER_TOPICS = 20;
const MAX_OUTPUT_LENGTH = 4000;
const START_TIMEOUT_MS = 60_000;
const PARTITIONS = 2;
const MANY_PARTITIONS = 12;
/**
 * Number of rounds after which a consumer reads everything again. The other readers are near the end, where few
 * records can be skipped.
 */
const READ_FROM_START = 0.2;
/** Share of rounds that are long enough for transactions, which need several responses each. */
const TRANSACTION_SHARE = 0.3;
const MAX_ANSWERS_IN_TRANSACTIONS = 20;
const TRANSACTIONAL_PRODUCERS = 3;
const TRANSACTED_PARTITIONS = 3;

/** Small limits, so that rolls, retention and compaction happen continuously. */
const SETTINGS = {
  'log.segment.bytes': '4096',
  'log.retention.check.interval.ms': '10',
  'log.cleaner.backoff.ms': '10',
  'log.flush.interval.ms': '20',
  'log.flush.offset.checkpoint.interval.ms': '20',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '20',
};
const TOPICS: readonly {
  name: string;
  cleanupPolicy: CleanupPolicy;
  settings: Readonly<Record<string, string>>;
  partitions?: number;
}[] = [
  { name: 'kept', cleanupPolicy: 'none', settings: {} },
  { name: 'synced', cleanupPolicy: 'none', settings: { 'flush.messages': '1' } },
  { name: 'rolled', cleanupPolicy: 'none', settings: { 'segment.ms': '5' }, partitions: MANY_PARTITIONS },
  { name: 'short', cleanupPolicy: 'delete', settings: { 'retention.bytes': '12000' } },
  {
    name: 'latest',
    cleanupPolicy: 'compact',
    settings: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0' },
  },
];

interface CrashOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/** The result of a run. */
interface CrashReport {
  readonly kills: number;
  readonly records: number;
  /** Committed transactions. */
  readonly transactions: number;
  /** Records that readers with small limits received during the run. */
  readonly read: number;
}

/**
 * Kills the broker's process at random moments under load.
 * @throws Error if a guarantee is broken
 */
export async function proveCrash({ rounds, seed, onRound }: CrashOptions): Promise<CrashReport> {
  const main = await bundleBroker('crash');
  const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-crash-'));
  const proof = new CrashProof(main, dataDir, new Random(seed));
  try {
    for (let round = 0; round < rounds; round++) {
      try {
        await proof.round(round);
      } catch (cause) {
        const text = `${(cause as Error).message}; output of the broker: ${proof.output()}`;
        throw new BrokenPromiseError(`round ${round} of seed ${seed}: ${text}`, { cause });
      }
      onRound?.(round + 1);
    }
    return await proof.end();
  } finally {
    await proof.kill();
    await fs.rm(dataDir, { recursive: true });
  }
}

class CrashProof {
  private broker: BrokerProcess | undefined;
  private port = 0;
  private readonly changer: TopicChanger;
  private producers: { cleanupPolicy: CleanupPolicy; sharing: readonly IdempotentProducer[] }[] = [];
  private committers: Committer[] = [];
  private transacted = '';
  private transactional: TransactionalProducer[] = [];
  private readonly ids = new Map<bigint, IdempotentProducer>();
  private kills = 0;
  private records = 0;
  private readable: readonly { topic: string; partitions: number }[] = [];
  private readers: readonly GapReader[] = [];
  private read = 0;
  private transactions = 0;

  constructor(
    private readonly main: string,
    private readonly dataDir: string,
    private readonly random: Random,
  ) {
    this.changer = new TopicChanger(random);
  }

  async round(round: number): Promise<void> {
    if (this.broker === undefined) await this.start();
    if (round % ROUNDS_PER_TOPICS === 0) await this.changeTopics(round);
    const clients: Client[] = [
      this.changer,
      ...this.committers,
      ...this.producers.flatMap(({ sharing }) => sharing),
      ...this.transactional,
      ...this.readers,
    ];
    const byTransactions = this.random.chance(TRANSACTION_SHARE);
    const answers = new Countdown(
      this.random.below(byTransactions ? MAX_ANSWERS_IN_TRANSACTIONS : MAX_RESPONSES),
    );
    const working = Promise.all(
      clients.map((client) => {
        const counts = !byTransactions || client instanceof TransactionalProducer;
        return client.work(this.port, () => counts && answers.count());
      }),
    );
    // Report the error that ended the work early.
    await Promise.race([working, answers.over]);
    await rest(this.random.below(MAX_DELAY_MS));
    await this.killAndWait();
    await working;
    while (this.random.chance(RECOVERY_KILLED)) {
      this.broker = this.run();
      await rest(this.random.below(MAX_RECOVERY_MS));
      await this.killAndWait();
    }
    await this.start();
    await this.check();
  }

  async end(): Promise<CrashReport> {
    const { broker } = this;
    broker?.child.kill('SIGTERM');
    require((await broker?.exited) === 0, `the broker did not shut down gracefully: ${broker?.output()}`);
    await this.start();
    await this.check();
    this.countAcknowledged();
    return { kills: this.kills, records: this.records, transactions: this.transactions, read: this.read };
  }

  /** The recent output of the broker. */
  output(): string {
    return this.broker?.output().slice(-MAX_OUTPUT_LENGTH) ?? '';
  }

  async kill(): Promise<void> {
    this.broker?.child.kill('SIGKILL');
    await this.broker?.exited;
  }

  private run(): BrokerProcess {
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
    return runBroker(this.main, ['--port', '0', '--data-dir', this.dataDir, ...settings]);
  }

  private async start(): Promise<void> {
    const broker = this.run();
    this.broker = broker;
    await until(() => broker.output().includes('listening on') || broker.child.exitCode !== null, {
      timeoutMs: START_TIMEOUT_MS,
    });
    const port = /listening on [^:]+:(\d+)/.exec(broker.output())?.[1];
    require(port !== undefined, `the broker did not start: ${broker.output()}`);
    this.port = Number(port);
  }

  private async killAndWait(): Promise<void> {
    const { broker } = this;
    require(broker?.child.exitCode === null, `the broker exited: ${broker?.output()}`);
    broker.child.kill('SIGKILL');
    await broker.exited;
    this.kills++;
  }

  private async changeTopics(round: number): Promise<void> {
    using client = await RawClient.connect(this.port);
    this.countAcknowledged();
    if (this.transacted !== '') await deleteTopic(client, this.transacted);
    for (const { sharing } of this.producers) {
      if (sharing[0]?.partition === 0) await deleteTopic(client, sharing[0].topic);
    }
    this.producers = [];
    for (const { name, cleanupPolicy, settings, partitions = PARTITIONS } of TOPICS) {
      const topic = `${name}-${round}`;
      await createTopic(client, topic, partitions, settings);
      for (let partition = 0; partition < partitions; partition++) {
        const sharing = (partitions === PARTITIONS ? ['a', 'b'] : ['a']).map(
          (each) => new IdempotentProducer(`${each}${partition}`, topic, partition, this.random),
        );
        this.producers.push({ cleanupPolicy, sharing });
      }
    }
    this.readable = [
      { topic: `kept-${round}`, partitions: PARTITIONS },
      { topic: `rolled-${round}`, partitions: MANY_PARTITIONS },
    ];
    this.readers = [0, 1].map((i) => this.readerOf(`reader ${i}`));
    this.committers = [false, true].map(
      (asMember) => new Committer(`${asMember ? 'member' : 'outside'}-${round}`, `kept-${round}`, asMember),
    );
    this.transacted = `transacted-${round}`;
    await createTopic(client, this.transacted, TRANSACTED_PARTITIONS);
    this.transactional = Array.from(
      { length: TRANSACTIONAL_PRODUCERS },
      (_, i) =>
        new TransactionalProducer(`t${i}-${round}`, this.transacted, TRANSACTED_PARTITIONS, this.random),
    );
  }

  private readerOf(name: string): GapReader {
    return new GapReader(name, this.readable, this.random);
  }

  private countAcknowledged(): void {
    for (const reader of this.readers) this.read += reader.records;
    for (const { transactions } of this.transactional) {
      this.transactions += transactions.filter(({ committed }) => committed === true).length;
    }
    for (const producer of this.producers.flatMap(({ sharing }) => sharing)) {
      for (const batch of producer.acknowledged) this.records += batch.records.length;
    }
  }

  private async check(): Promise<void> {
    using client = await RawClient.connect(this.port);
    const topics = await partitionsByTopic(client);
    this.changer.check(topics);
    await checkNoLeftovers(this.dataDir, topics);
    for (const { sharing, cleanupPolicy } of this.producers) {
      await checkPartition(client, sharing, cleanupPolicy);
      for (const producer of sharing) await checkProducer(client, producer);
    }
    for (const committer of this.committers) await checkCommitted(client, committer);
    for (const reader of this.readers) await reader.catchUp(client);
    if (this.random.chance(READ_FROM_START)) await this.readerOf('late reader').catchUp(client);
    await checkTransactions(client, this.transactional);
    this.checkIds();
  }

  private checkIds(): void {
    for (const producer of this.producers.flatMap(({ sharing }) => sharing)) {
      const { producerId } = producer;
      if (producerId < 0n) continue;
      require((this.ids.get(producerId) ?? producer) ===
        producer, `producer id ${producerId} was assigned twice`);
      this.ids.set(producerId, producer);
    }
  }
}

/** Counts responses until the kill. */
class Countdown {
  readonly over: Promise<void>;
  private resolve: () => void = () => undefined;

  constructor(private left: number) {
    this.over = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  count(): void {
    this.left--;
    if (this.left < 0) this.resolve();
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
