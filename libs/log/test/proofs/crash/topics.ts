import type { RawClient } from '../../broker/raw-client.js';
import type { Random } from '@hailstream/service/testing';
import { BrokenPromiseError, untilCutOff, type Client } from './clients.js';

const METADATA = 3;
const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;
const CREATE_PARTITIONS = 37;
const TIMEOUT_MS = 30_000;
const NAMES = 4;

interface Results {
  readonly topics: readonly { readonly errorCode: number }[];
}

/**
 * Creates a topic.
 * @throws BrokenPromiseError if the broker refuses
 */
export async function createTopic(
  client: RawClient,
  name: string,
  numPartitions: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const configs = Object.entries(settings).map(([key, value]) => ({ name: key, value }));
  const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs };
  const { topics } = await client.call<Results>(CREATE_TOPICS, 4, {
    topics: [topic],
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  });
  expectDone('create', name, topics);
}

/**
 * Deletes a topic.
 * @throws BrokenPromiseError if the broker refuses
 */
export async function deleteTopic(client: RawClient, name: string): Promise<void> {
  const creation = { topicNames: [name], timeoutMs: TIMEOUT_MS };
  const { responses } = await client.call<{ responses: Results['topics'] }>(DELETE_TOPICS, 3, creation);
  expectDone('delete', name, responses);
}

/** The number of partitions of each topic, from the broker's metadata. */
export async function partitionsByTopic(client: RawClient): Promise<Map<string, number>> {
  const { topics } = await client.call<{ topics: { name: string; partitions: unknown[] }[] }>(METADATA, 6, {
    topics: null,
    allowAutoTopicCreation: false,
  });
  return new Map(topics.map(({ name, partitions }) => [name, partitions.length]));
}

function expectDone(what: string, name: string, answers: Results['topics']): void {
  const errorCode = answers[0]?.errorCode;
  if (errorCode !== 0) throw new BrokenPromiseError(`${what} of topic ${name}: error ${errorCode}`);
}

/** Creates, extends and deletes topics, and tracks how many partitions each may have. */
export class TopicChanger implements Client {
  /** The number of partitions of each topic, 0 if it does not exist. */
  private readonly settled = new Map<string, number>();
  private underWay: { readonly name: string; readonly partitions: number } | undefined;

  constructor(private readonly random: Random) {
    for (let i = 0; i < NAMES; i++) this.settled.set(`passing-${i}`, 0);
  }

  async work(port: number, onAnswer: () => void): Promise<void> {
    await untilCutOff(port, async (client) => {
      for (;;) {
        const name = this.random.pick([...this.settled.keys()]);
        const partitions = this.settled.get(name) ?? 0;
        if (partitions === 0) {
          const count = 1 + this.random.below(3);
          await this.change(name, count, () => createTopic(client, name, count));
        } else if (this.random.chance(0.5)) {
          await this.change(name, 0, () => deleteTopic(client, name));
        } else {
          await this.change(name, partitions + 1, () => grow(client, name, partitions + 1));
        }
        onAnswer();
      }
    });
  }

  /**
   * Compares the broker's topics with the acknowledged changes.
   * @throws BrokenPromiseError if they differ
   */
  check(found: ReadonlyMap<string, number>): void {
    for (const [name, partitions] of this.settled) {
      const has = found.get(name) ?? 0;
      const changed = this.underWay?.name === name && this.underWay.partitions === has;
      if (has !== partitions && !changed) {
        throw new BrokenPromiseError(`topic ${name} has ${has} partitions, not ${partitions}`);
      }
      this.settled.set(name, has);
    }
    this.underWay = undefined;
  }

  private async change(name: string, partitions: number, act: () => Promise<void>): Promise<void> {
    this.underWay = { name, partitions };
    await act();
    this.settled.set(name, partitions);
    this.underWay = undefined;
  }
}

async function grow(client: RawClient, name: string, count: number): Promise<void> {
  const { results } = await client.call<{ results: Results['topics'] }>(CREATE_PARTITIONS, 1, {
    topics: [{ name, count, assignments: null }],
    timeoutMs: TIMEOUT_MS,
    validateOnly: false,
  });
  expectDone('growth', name, results);
}
