import type { RawClient } from '../../broker/raw-client.js';
import { TransactionalClient, type Producer } from '../../broker/transactional-client.js';
import { until, type Random } from '@hailstream/service/testing';
import { require } from './audit.js';
import { untilCutOff, type Client } from './clients.js';
import { partitionName } from '../../../src/protocol/topic-partition.js';

/** Usually expires before a killed broker has restarted. */
const SHORT_MS = 200;
/** Does not expire during the proof. */
const LONG_MS = 600_000;
const MAX_BATCHES = 2;
const MAX_RECORDS = 3;
const VALUE_BYTES = 100;
const WITH_OFFSETS = 0.5;
/** Probability that a producer restarts without a failure. */
const RESTART_PROBABILITY = 0.1;
const GOES_ON = 0.5;
const OUTCOMES = ['commit', 'commit', 'commit', 'abort', 'abort', 'none'] as const;
const FENCED: readonly string[] = ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'];

type Step = (client: TransactionalClient, producer: Producer) => Promise<{ error: string }>;

/** A transaction as known to its producer. */
interface SentTransaction {
  readonly outcome: (typeof OUTCOMES)[number];
  readonly timeoutMs: number;
  readonly begunAt: number;
  readonly values: ReadonlyMap<number, readonly string[]>;
  /** The group's offset that is committed in the transaction. */
  readonly offset: number | undefined;
  readonly steps: readonly Step[];
  /** Number of acknowledged steps. */
  done: number;
  /** Ended by the producer, or by its restart. */
  ended: boolean;
  /** Unknown from the request to the response, or until a reader has seen the outcome. */
  committed: boolean | 'unknown';
}

/** Consecutive transactions over several partitions and a group's offsets. */
export class TransactionalProducer implements Client {
  readonly transactions: SentTransaction[] = [];
  private readonly sequences = new Map<string, number>();
  private producer: Producer | undefined;
  /** The producer id and epoch before the restart. */
  private former: Producer | undefined;
  private timeoutMs = LONG_MS;

  constructor(
    readonly name: string,
    readonly topic: string,
    readonly partitions: number,
    private readonly random: Random,
  ) {}

  get group(): string {
    return `group-of-${this.name}`;
  }

  async work(port: number, onAnswer: () => void): Promise<void> {
    await untilCutOff(port, async (raw) => {
      const client = new TransactionalClient(raw, this.sequences);
      for (;;) {
        const open = this.transactions.at(-1)?.ended === false;
        if (open || this.random.chance(RESTART_PROBABILITY)) this.producer = undefined;
        this.producer ??= await this.startAnew(client);
        await this.goOn(client, this.begin(), this.producer, onAnswer);
      }
    });
  }

  /** Ends the open transaction by continuing it or by a restart. A transaction with a short timeout expires. */
  async settle(raw: RawClient): Promise<void> {
    const last = this.transactions.at(-1);
    if (last === undefined || last.ended || last.timeoutMs === SHORT_MS) return;
    const client = new TransactionalClient(raw, this.sequences);
    if (this.producer !== undefined && last.outcome !== 'none' && this.random.chance(GOES_ON)) {
      await this.goOn(client, last, this.producer, () => undefined);
    } else {
      this.producer = await this.startAnew(client);
    }
  }

  /** Restarts with the same transactional id, which fences the previous epoch. */
  private async startAnew(client: TransactionalClient): Promise<Producer> {
    // Without a response, the request may or may not have been applied.
    this.producer = undefined;
    this.timeoutMs = this.random.pick([SHORT_MS, LONG_MS]);
    const producer = await client.begin(this.name, this.timeoutMs);
    const last = this.transactions.at(-1);
    if (last !== undefined) last.ended = true;
    const { former } = this;
    if (former !== undefined) {
      const { error: atEnd } = await client.end(former, 'commit');
      const { error: atSend } = await client.produce(former, this.topic, 0, [`${this.name}/former`]);
      const fenced = FENCED.includes(atEnd) && FENCED.includes(atSend);
      require(fenced, `${this.name}: epoch ${former.producerEpoch} received ${atEnd} and ${atSend} after ${producer.producerEpoch}`);
    }
    this.former = producer;
    return producer;
  }

  private begin(): SentTransaction {
    const { topic, random } = this;
    const number = this.transactions.length;
    const outcome = random.pick(OUTCOMES);
    const values = new Map<number, string[]>();
    const sends: Step[] = [];
    const without = random.below(this.partitions + 1);
    for (let partition = 0; partition < this.partitions; partition++) {
      if (partition === without) continue;
      const all: string[] = [];
      for (let left = 1 + random.below(MAX_BATCHES); left > 0; left--) {
        const batch = Array.from({ length: 1 + random.below(MAX_RECORDS) }, (_, i) =>
          `${this.name}/${number}/${all.length + i}/`.padEnd(random.below(VALUE_BYTES), '.'),
        );
        all.push(...batch);
        sends.push((client, producer) => client.produce(producer, topic, partition, batch));
      }
      values.set(partition, all);
    }
    const offset = random.chance(WITH_OFFSETS) ? number + 1 : undefined;
    const transaction: SentTransaction = {
      outcome,
      timeoutMs: this.timeoutMs,
      begunAt: Date.now(),
      values,
      offset,
      steps: [
        (client, producer) => client.add(producer, topic, [...values.keys()]),
        ...sends,
        ...(offset === undefined ? [] : this.commitOffset(offset)),
        ...(outcome === 'none' ? [] : [endBy(outcome, () => transaction)]),
      ],
      done: 0,
      ended: false,
      committed: false,
    };
    this.transactions.push(transaction);
    return transaction;
  }

  private commitOffset(offset: number): Step[] {
    const at = { topic: this.topic, partition: 0, offset: BigInt(offset) };
    return [
      (client, producer) => client.addOffsets(producer, this.group),
      (client, producer) => client.commitOffsets(producer, { groupId: this.group }, [at]),
    ];
  }

  /** Sends the steps that are not acknowledged yet. */
  private async goOn(
    client: TransactionalClient,
    transaction: SentTransaction,
    producer: Producer,
    onAnswer: () => void,
  ): Promise<void> {
    const { steps, timeoutMs, begunAt, outcome } = transaction;
    for (const step of steps.slice(transaction.done)) {
      const { error } = await client.patiently(() => step(client, producer));
      onAnswer();
      if (FENCED.includes(error) && Date.now() - begunAt >= timeoutMs) {
        // A producer that was fenced by the transaction timeout has nothing committed, whatever it requested.
        transaction.committed = false;
        return;
      }
      require(error ===
        'NONE', `step ${transaction.done} of ${this.name}/${this.transactions.length - 1}: ${error}`);
      transaction.done++;
    }
    transaction.ended = outcome !== 'none';
    transaction.committed = outcome === 'commit';
  }
}

function endBy(outcome: 'commit' | 'abort', transaction: () => SentTransaction): Step {
  return (client, producer) => {
    if (outcome === 'commit') transaction().committed = 'unknown';
    return client.end(producer, outcome);
  };
}

/**
 * Verifies that readers see each transaction completely or not at all, within the transaction timeout.
 * @throws BrokenPromiseError if they do not
 */
export async function checkTransactions(
  raw: RawClient,
  producers: readonly TransactionalProducer[],
): Promise<void> {
  const [{ topic, partitions } = { topic: '', partitions: 0 }] = producers;
  for (const producer of producers) await producer.settle(raw);
  const client = new TransactionalClient(raw);
  const found: string[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    await waitUntilStable(client, topic, partition);
    found.push(await client.read(topic, partition, 'committed'));
  }
  for (const producer of producers) {
    checkOutcomes(producer, found);
    await checkOffset(client, producer);
  }
  const known = new Set(producers.map(({ name }) => name));
  const strange = found.flat().find((value) => !known.has(value.split('/')[0] ?? ''));
  require(strange === undefined, `${topic} has ${strange}`);
}

/** The last stable offset reaches the end once the transactions have ended or expired. */
async function waitUntilStable(client: TransactionalClient, topic: string, partition: number): Promise<void> {
  let ends: bigint[] = [];
  await until(async () => {
    ends = [
      await client.endOffset(topic, partition, 'committed'),
      await client.endOffset(topic, partition, 'uncommitted'),
    ];
    return ends[0] === ends[1];
  }).catch(() => undefined);
  require(ends[0] ===
    ends[1], `the last stable offset of ${partitionName(topic, partition)} is ${ends[0]}, not its end ${ends[1]}`);
}

function checkOutcomes({ name, topic, transactions }: TransactionalProducer, found: string[][]): void {
  const ownValues = found.map((values) => values.filter((value) => value.startsWith(`${name}/`)));
  const seen = new Set(ownValues.flat());
  for (const transaction of transactions) {
    if (transaction.committed !== 'unknown') continue;
    transaction.committed = [...transaction.values.values()].flat().some((value) => seen.has(value));
  }
  for (const [partition, values] of ownValues.entries()) {
    const expected = transactions
      .filter(({ committed }) => committed === true)
      .flatMap((transaction) => transaction.values.get(partition) ?? []);
    const at = expected.findIndex((value, i) => value !== values[i]);
    const same = at < 0 && values.length === expected.length;
    const place = at < 0 ? expected.length : at;
    require(same, `${partitionName(topic, partition)} has ${values[place]}, but ${expected[place]} was committed`);
  }
}

async function checkOffset(
  client: TransactionalClient,
  { group, topic, transactions }: TransactionalProducer,
): Promise<void> {
  let found = '';
  await until(async () => {
    found = await client.committed(group, topic, 0);
    return found !== 'UNSTABLE_OFFSET_COMMIT';
  }).catch(() => undefined);
  const last = transactions.findLast(({ committed, offset }) => committed === true && offset !== undefined);
  const expected = String(last?.offset ?? -1);
  require(found === expected, `${group} is at ${found}, not at ${expected}`);
}
