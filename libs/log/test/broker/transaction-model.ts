import fc from 'fast-check';
import type { TestBroker } from '../../src/testing.js';
import type { Producer, TransactionalClient } from './transactional-client.js';

/** The topic of a run. */
export const PARTITIONS = 2;
const PRODUCERS = 4;

/** The possible steps. */
type Step =
  | { kind: 'send'; producer: number; partition: number; count: number }
  | { kind: 'plain'; partition: number; count: number }
  | { kind: 'end'; producer: number; outcome: 'commit' | 'abort' }
  | { kind: 'take-over'; producer: number }
  | { kind: 'restart' };

const producerIndex = fc.nat(PRODUCERS - 1);
const partition = fc.nat(PARTITIONS - 1);
const count = fc.integer({ min: 1, max: 4 });
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('send' as const), producer: producerIndex, partition, count }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plain' as const), partition, count }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer: producerIndex,
      outcome: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take-over' as const), producer: producerIndex }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** A record in the model, with its transaction if it has one. */
interface Written {
  readonly value: string;
  readonly transaction: { outcome: 'open' | 'commit' | 'abort' } | undefined;
}

/** The expected contents of the log. */
class Model {
  readonly partitions: Written[][] = Array.from({ length: PARTITIONS }, () => []);

  /** Committed values before the first undecided one. */
  committed(index: number): string[] {
    const written = this.partitions[index] ?? [];
    const undecided = written.findIndex(({ transaction }) => transaction?.outcome === 'open');
    return written
      .slice(0, undecided < 0 ? undefined : undecided)
      .filter(({ transaction }) => transaction?.outcome !== 'abort')
      .map(({ value }) => value);
  }
}

/** Runs steps on a broker and on a model. */
export class TransactionRun {
  private readonly model = new Model();
  private readonly producers: Producer[] = [];
  private readonly added: Set<number>[] = [];
  private readonly open: { outcome: 'open' | 'commit' | 'abort' }[] = [];
  private values = 0;

  constructor(
    private readonly broker: TestBroker,
    private client: TransactionalClient,
    private readonly topic: string,
  ) {}

  async start(): Promise<void> {
    for (let i = 0; i < PRODUCERS; i++) {
      this.producers.push(await this.client.begin(`${this.topic}-${i}`));
      this.added.push(new Set());
      this.open.push({ outcome: 'open' });
    }
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'send':
        return this.send(step);
      case 'plain': {
        const values = this.next(step.count);
        const nobody = { transactionalId: '', producerId: -1n, producerEpoch: -1 };
        const sent = { sequence: -1, transactional: false, transactionalId: null };
        must(await this.client.produce(nobody, this.topic, step.partition, values, sent));
        for (const value of values)
          this.model.partitions[step.partition]?.push({ value, transaction: undefined });
        return;
      }
      case 'end':
        return this.end(step.producer, step.outcome);
      case 'take-over':
        this.settle(step.producer, 'abort');
        this.producers[step.producer] = await this.client.begin(`${this.topic}-${step.producer}`);
        return;
      case 'restart':
        await this.broker.restart();
        this.client = await this.client.again(this.broker.port);
        return;
    }
  }

  private async send({ producer, partition, count }: Extract<Step, { kind: 'send' }>): Promise<void> {
    const who = this.producers[producer] as Producer;
    if (this.added[producer]?.has(partition) !== true) {
      must(await this.client.add(who, this.topic, [partition]));
      this.added[producer]?.add(partition);
    }
    const values = this.next(count);
    must(await this.client.produce(who, this.topic, partition, values));
    for (const value of values)
      this.model.partitions[partition]?.push({ value, transaction: this.open[producer] });
  }

  private async end(producer: number, outcome: 'commit' | 'abort'): Promise<void> {
    if (this.added[producer]?.size === 0) return;
    must(await this.client.end(this.producers[producer] as Producer, outcome));
    this.settle(producer, outcome);
  }

  private settle(producer: number, outcome: 'commit' | 'abort'): void {
    (this.open[producer] as { outcome: string }).outcome = outcome;
    this.open[producer] = { outcome: 'open' };
    this.added[producer]?.clear();
  }

  private next(count: number): string[] {
    return Array.from({ length: count }, () => `${this.values++}`);
  }

  /** What readers see, and what the model predicts. */
  async compare(): Promise<{ seen: string[][]; expected: string[][] }> {
    const [seen, expected]: [string[][], string[][]] = [[], []];
    for (let index = 0; index < PARTITIONS; index++) {
      seen.push(await this.client.read(this.topic, index, 'uncommitted'));
      expected.push((this.model.partitions[index] ?? []).map(({ value }) => value));
      seen.push(await this.client.read(this.topic, index, 'committed'));
      expected.push(this.model.committed(index));
    }
    return { seen, expected };
  }
}

/** @throws Error if a step is refused */
function must({ error }: { error: string }): void {
  if (error !== 'NONE') throw new Error(`step refused: ${error}`);
}
