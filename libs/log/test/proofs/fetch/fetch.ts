import { startTestBroker, type TestBroker } from '../../../src/testing.js';
import { RawClient } from '../../broker/raw-client.js';
import { TransactionalClient } from '../../broker/transactional-client.js';
import { BrokenPromiseError } from '../crash/clients.js';
import { Random } from '@hailstream/service/testing';
import { Load } from './load.js';
import { readKafkajs, readOwn, readRaw } from './readers.js';

const MAX_TOPICS = 3;
const MAX_BATCHES = 100;
const RESTARTED = 0.2;
const READ_MEANWHILE = 0.5;
/** Number of rounds after which clients with consumer groups read as well; joining a group takes time. */
const ROUNDS_OF_CLIENTS = 5;
/** Number of rounds after which a new broker is started, so that its data directory stays small. */
const ROUNDS_OF_BROKER = 50;
const SETTINGS = { 'log.cleaner.backoff.ms': '20', 'log.retention.check.interval.ms': '50' };

interface FetchOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

/** The result of a run: records received, by reader. */
interface FetchReport {
  readonly raw: number;
  readonly kafkajs: number;
  readonly consumer: number;
}

/**
 * Reads random topics with random fetch requests, using raw clients, kafkajs and this library's consumer. Every
 * reader must receive every offset once and in order, except markers, aborted records and what compaction may remove.
 *
 * @throws BrokenPromiseError if a reader does not
 */
export async function proveFetch({ rounds, seed, onRound }: FetchOptions): Promise<FetchReport> {
  const report = { raw: 0, kafkajs: 0, consumer: 0 };
  for (let first = 0; first < rounds; first += ROUNDS_OF_BROKER) {
    await using broker = await startTestBroker({ settings: SETTINGS });
    for (let round = first; round < Math.min(first + ROUNDS_OF_BROKER, rounds); round++) {
      try {
        await readRound(broker, round, new Random(seed * 1_000_003 + round), report);
      } catch (cause) {
        throw new BrokenPromiseError(`round ${round} of seed ${seed}: ${(cause as Error).message}`, {
          cause,
        });
      }
      onRound?.(round + 1);
    }
  }
  return report;
}

async function readRound(
  broker: TestBroker,
  round: number,
  random: Random,
  report: { raw: number; kafkajs: number; consumer: number },
): Promise<void> {
  let client = await TransactionalClient.connect(broker.port);
  try {
    const loads: Load[] = [];
    for (let i = 0; i <= random.below(MAX_TOPICS); i++) {
      loads.push(await Load.start(client, `topic-${round}-${i}`, random));
    }
    const models = loads.flatMap(({ partitions }) => partitions);
    const write = async (batches: number) => {
      for (const load of loads) await load.write(random.below(batches));
    };
    await write(MAX_BATCHES);
    if (random.chance(RESTARTED)) {
      await broker.restart();
      client = await client.again(broker.port);
      for (const load of loads) load.useClient(client);
    }
    let writing = true;
    const written = (async () => {
      await write(MAX_BATCHES / 2);
      const leavesOpen = random.chance(0.3);
      for (const load of loads) await load.finish(leavesOpen);
    })().finally(() => {
      writing = false;
    });
    if (!random.chance(READ_MEANWHILE)) await written;
    const readers = [true, false].map(async (committed) => {
      using raw = await RawClient.connect(broker.port);
      const own = new Random(random.below(2 ** 31));
      report.raw += await readRaw(raw, models, { random: own, committed, writing: () => writing });
    });
    await Promise.all([written, ...readers]);
    if (round % ROUNDS_OF_CLIENTS !== 0) return;
    report.kafkajs += await readKafkajs(broker.address, models, random);
    report.consumer += await readOwn(broker.address, models, random);
  } finally {
    client[Symbol.dispose]();
  }
}
