import { TransactionalClient } from '../broker/transactional-client.js';

/** A request of a step, and its response. */
type Steps = [step: string, answer: string][];

/** The responses of Apache Kafka 4.3.1. */
export const ANSWERS: Steps = [
  ['init: no id', 'INVALID_REQUEST'],
  ['init: timeout 0', 'INVALID_TRANSACTION_TIMEOUT'],
  ['init: timeout too long', 'INVALID_TRANSACTION_TIMEOUT'],
  ['init: id without epoch', 'INVALID_REQUEST'],
  ['init: first epoch', '0'],
  ['init: second epoch', '1'],
  ['init: expects the epoch', 'epoch 2'],
  ['init: expects the epoch before, once more', 'epoch 2'],
  ['init: expects one long gone', 'PRODUCER_FENCED'],
  ['init 3: expects one long gone', 'INVALID_PRODUCER_EPOCH'],
  ['init: expects another id', 'PRODUCER_FENCED'],
  ['add: nobody', 'INVALID_PRODUCER_ID_MAPPING'],
  ['add: no id', 'INVALID_REQUEST'],
  ['add: another producer', 'INVALID_PRODUCER_ID_MAPPING'],
  ['add: older epoch', 'PRODUCER_FENCED'],
  ['add 1: older epoch', 'INVALID_PRODUCER_EPOCH'],
  ['add: newer epoch', 'PRODUCER_FENCED'],
  ['add: a partition that is not', 'OPERATION_NOT_ATTEMPTED UNKNOWN_TOPIC_OR_PARTITION'],
  ['describe: nobody', 'TRANSACTIONAL_ID_NOT_FOUND'],
  ['describe: before the first partition', 'Empty'],
  ['add: two', 'NONE NONE'],
  ['add: again', 'NONE'],
  ['describe: after it', 'Ongoing'],
  ['commit', 'NONE'],
  ['produce: before the first partition', 'INVALID_TXN_STATE'],
  ['produce: a partition that is not part', 'INVALID_TXN_STATE'],
  ['produce: nobody', 'INVALID_PRODUCER_ID_MAPPING'],
  ['produce: no id', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
  ['produce: another producer', 'INVALID_PRODUCER_ID_MAPPING'],
  ['produce: newer epoch', 'INVALID_PRODUCER_EPOCH'],
  ['produce', 'NONE'],
  ['produce: again', 'NONE'],
  ['produce: a gap', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ['produce: not transactional', 'INVALID_TXN_STATE'],
  ['end offset, committed', '1'],
  ['end offset, uncommitted', '2'],
  ['abort', 'NONE'],
  ['end offset, committed, after it', '3'],
  ['produce: after the end', 'INVALID_TXN_STATE'],
  ['produce: next sequence number', 'NONE'],
  ['produce: a zombie', 'INVALID_PRODUCER_EPOCH'],
  ['produce: a zombie, elsewhere', 'INVALID_PRODUCER_EPOCH'],
  ['commit: nothing', 'INVALID_TXN_STATE'],
  ['abort: nothing', 'INVALID_TXN_STATE'],
  ['commit: nobody', 'INVALID_PRODUCER_ID_MAPPING'],
  ['commit: another producer', 'INVALID_PRODUCER_ID_MAPPING'],
  ['commit: newer epoch', 'PRODUCER_FENCED'],
  ['commit 1: newer epoch', 'INVALID_PRODUCER_EPOCH'],
  ['commit: empty', 'NONE'],
  ['commit: again', 'NONE'],
  ['abort: after the commit', 'INVALID_TXN_STATE'],
  ['abort: empty', 'NONE'],
  ['abort: again', 'NONE'],
  ['commit: after the abort', 'INVALID_TXN_STATE'],
  ['init: over an open transaction', 'CONCURRENT_TRANSACTIONS'],
  ['init: epochs that it took', '2'],
  ['add: a zombie', 'PRODUCER_FENCED'],
  ['commit: a zombie', 'PRODUCER_FENCED'],
  ['commit 1: a zombie', 'INVALID_PRODUCER_EPOCH'],
  ['read: what a zombie wrote', ''],
  ['produce: the new epoch begins at 0', 'OUT_OF_ORDER_SEQUENCE_NUMBER'],
  ['produce: the new epoch', 'NONE'],
  ['commit', 'NONE'],
  ['read: what is committed', 'young'],
  ['offsets: log not part', 'INVALID_TXN_STATE'],
  ['offsets: older epoch', 'PRODUCER_FENCED'],
  ['offsets 1: older epoch', 'INVALID_PRODUCER_EPOCH'],
  ['offsets: log added', 'NONE'],
  ['offsets: a generation of no group', 'ILLEGAL_GENERATION'],
  ['offsets: no group id', 'INVALID_GROUP_ID'],
  ['offsets: a partition that is not', 'UNKNOWN_TOPIC_OR_PARTITION'],
  ['offsets: zombie', 'INVALID_PRODUCER_EPOCH'],
  ['offsets: committed', 'NONE'],
  ['offset fetch: stable', 'UNSTABLE_OFFSET_COMMIT'],
  ['offset fetch: any', '-1'],
  ['abort', 'NONE'],
  ['offset fetch: after the abort', '-1'],
  ['offsets: once more', 'NONE'],
  ['commit', 'NONE'],
  ['offset fetch: after the commit', '6'],
  ['offsets: after the commit', 'INVALID_TXN_STATE'],
];

/**
 * Misuse of transactions, step by step, on a new topic with three partitions and a log with one broker. `ANSWERS` has
 * the expected responses.
 */
export async function transactionSteps(port: number, topic: string): Promise<Steps> {
  using client = await TransactionalClient.connect(port);
  const steps: Steps = [];
  const step = async (name: string, answer: Promise<{ error: string; errors?: string[] } | string>) => {
    const result = await answer;
    steps.push([name, typeof result === 'string' ? result : (result.errors?.join(' ') ?? result.error)]);
  };
  const id = (name: string) => `${topic}-${name}`;
  await client.patiently(() => client.locate('transaction', id('first')));
  await client.patiently(() => client.locate('group', id('group')));
  await client.patiently(() => client.init(id('first')));
  await beginnings(client, { step, id, topic });
  await producing(client, { step, id, topic });
  await ends(client, { step, id, topic });
  await fencing(client, { step, id, topic });
  await offsets(client, { step, id, topic });
  return steps;
}

interface Scene {
  readonly step: (
    name: string,
    answer: Promise<{ error: string; errors?: string[] } | string>,
  ) => Promise<void>;
  readonly id: (name: string) => string;
  readonly topic: string;
}

async function beginnings(client: TransactionalClient, { step, id, topic }: Scene): Promise<void> {
  await step('init: no id', client.init(''));
  await step('init: timeout 0', client.init(id('a'), { timeoutMs: 0 }));
  await step('init: timeout too long', client.init(id('a'), { timeoutMs: 900_001 }));
  await step('init: id without epoch', client.init(id('a'), { producerId: 5n }));
  const a = await client.begin(id('a'));
  await step('init: first epoch', Promise.resolve(String(a.producerEpoch)));
  const again = await client.begin(id('a'));
  await step('init: second epoch', Promise.resolve(String(again.producerEpoch)));
  await step('init: expects the epoch', init(client, again));
  await step('init: expects the epoch before, once more', init(client, again));
  await step('init: expects one long gone', init(client, a));
  await step('init 3: expects one long gone', client.init(id('a'), { ...a, version: 3 }));
  await step('init: expects another id', client.init(id('a'), { ...again, producerId: 1_000_000n }));
  const now = await client.begin(id('a'));
  await step('add: nobody', client.add({ ...now, transactionalId: id('nobody') }, topic, [0]));
  await step('add: no id', client.add({ ...now, transactionalId: '' }, topic, [0]));
  await step('add: another producer', client.add({ ...now, producerId: 1_000_000n }, topic, [0]));
  await step('add: older epoch', client.add({ ...now, producerEpoch: 0 }, topic, [0]));
  await step('add 1: older epoch', client.add({ ...now, producerEpoch: 0 }, topic, [0], 1));
  await step('add: newer epoch', client.add({ ...now, producerEpoch: 99 }, topic, [0]));
  await step('add: a partition that is not', client.add(now, topic, [0, 9]));
  await step('describe: nobody', client.describe(id('nobody')));
  await step('describe: before the first partition', stateOf(client, id('a')));
  await step('add: two', client.add(now, topic, [0, 1]));
  await step('add: again', client.add(now, topic, [1]));
  await step('describe: after it', stateOf(client, id('a')));
  await step('commit', client.end(now, 'commit'));
}

async function producing(client: TransactionalClient, { step, id, topic }: Scene): Promise<void> {
  const b = await client.begin(id('b'));
  const other = { ...b, producerId: 1_000_000n };
  await step('produce: before the first partition', client.produce(b, topic, 0, ['1']));
  await client.add(b, topic, [0]);
  await step('produce: a partition that is not part', client.produce(b, topic, 1, ['1']));
  await step('produce: nobody', client.produce({ ...b, transactionalId: id('nobody') }, topic, 0, ['1']));
  await step('produce: no id', client.produce(b, topic, 0, ['1'], { transactionalId: null }));
  await step('produce: another producer', client.produce(other, topic, 0, ['1']));
  await step('produce: newer epoch', client.produce({ ...b, producerEpoch: 9 }, topic, 0, ['1']));
  await step('produce', client.produce(b, topic, 0, ['1']));
  await step('produce: again', client.produce(b, topic, 0, ['1'], { sequence: 0 }));
  await step('produce: a gap', client.produce(b, topic, 0, ['1'], { sequence: 7 }));
  await step('produce: not transactional', client.produce(b, topic, 0, ['2'], { transactional: false }));
  await step('end offset, committed', end(client, topic, 'committed'));
  await step('end offset, uncommitted', end(client, topic, 'uncommitted'));
  await step('abort', client.end(b, 'abort'));
  await settled(client, id('b'), 'CompleteAbort');
  await step('end offset, committed, after it', end(client, topic, 'committed'));
  await step('produce: after the end', client.produce(b, topic, 0, ['3']));
  await client.patiently(() => client.add(b, topic, [0]));
  await step('produce: next sequence number', client.produce(b, topic, 0, ['4'], { sequence: 1 }));
  await client.begin(id('b'));
  await step('produce: a zombie', client.produce(b, topic, 0, ['5']));
  await step('produce: a zombie, elsewhere', client.produce(b, topic, 1, ['5']));
}

async function ends(client: TransactionalClient, { step, id, topic }: Scene): Promise<void> {
  const c = await client.begin(id('c'));
  await step('commit: nothing', client.end(c, 'commit'));
  await step('abort: nothing', client.end(c, 'abort'));
  await client.add(c, topic, [2]);
  await step('commit: nobody', client.end({ ...c, transactionalId: id('nobody') }, 'commit'));
  await step('commit: another producer', client.end({ ...c, producerId: 1_000_000n }, 'commit'));
  await step('commit: newer epoch', client.end({ ...c, producerEpoch: 9 }, 'commit'));
  await step('commit 1: newer epoch', client.end({ ...c, producerEpoch: 9 }, 'commit', 1));
  await step('commit: empty', client.end(c, 'commit'));
  await settled(client, id('c'), 'CompleteCommit');
  await step('commit: again', client.end(c, 'commit'));
  await step('abort: after the commit', client.end(c, 'abort'));
  await client.add(c, topic, [2]);
  await step('abort: empty', client.end(c, 'abort'));
  await settled(client, id('c'), 'CompleteAbort');
  await step('abort: again', client.end(c, 'abort'));
  await step('commit: after the abort', client.end(c, 'commit'));
}

async function fencing(client: TransactionalClient, { step, id, topic }: Scene): Promise<void> {
  const old = await client.begin(id('d'));
  await client.add(old, topic, [2]);
  await client.produce(old, topic, 2, ['old']);
  await step('init: over an open transaction', client.init(id('d')));
  const young = await client.begin(id('d'));
  await step('init: epochs that it took', Promise.resolve(String(young.producerEpoch - old.producerEpoch)));
  await step('add: a zombie', client.add(old, topic, [2]));
  await step('commit: a zombie', client.end(old, 'commit'));
  await step('commit 1: a zombie', client.end(old, 'commit', 1));
  await step('read: what a zombie wrote', read(client, topic, 2));
  await client.add(young, topic, [2]);
  await step('produce: the new epoch begins at 0', client.produce(young, topic, 2, ['x'], { sequence: 3 }));
  await step('produce: the new epoch', client.produce(young, topic, 2, ['young']));
  await step('commit', client.end(young, 'commit'));
  await settled(client, id('d'), 'CompleteCommit');
  await step('read: what is committed', read(client, topic, 2));
}

async function offsets(client: TransactionalClient, { step, id, topic }: Scene): Promise<void> {
  const groupId = id('group');
  const e = await client.begin(id('e'));
  const offset = { topic, partition: 0, offset: 5n };
  const commit = (change = {}, at = offset) => client.commitOffsets(e, { groupId, ...change }, [at]);
  await client.add(e, topic, [0]);
  await step('offsets: log not part', commit());
  await step('offsets: older epoch', client.addOffsets({ ...e, producerEpoch: 9 }, groupId));
  await step('offsets 1: older epoch', client.addOffsets({ ...e, producerEpoch: 9 }, groupId, 1));
  await step('offsets: log added', client.addOffsets(e, groupId));
  await step('offsets: a generation of no group', commit({ generationId: 3, memberId: 'somebody' }));
  await step('offsets: no group id', commit({ groupId: '' }));
  await step('offsets: a partition that is not', commit({}, { ...offset, partition: 9 }));
  await step('offsets: zombie', client.commitOffsets({ ...e, producerEpoch: 9 }, { groupId }, [offset]));
  await step('offsets: committed', commit());
  await step('offset fetch: stable', client.committed(groupId, topic, 0));
  await step('offset fetch: any', client.committed(groupId, topic, 0, false));
  await step('abort', client.end(e, 'abort'));
  await settled(client, id('e'), 'CompleteAbort');
  await step('offset fetch: after the abort', client.committed(groupId, topic, 0));
  await client.patiently(() => client.addOffsets(e, groupId));
  await step('offsets: once more', commit({}, { ...offset, offset: 6n }));
  await step('commit', client.end(e, 'commit'));
  await settled(client, id('e'), 'CompleteCommit');
  await step('offset fetch: after the commit', client.committed(groupId, topic, 0));
  await step('offsets: after the commit', commit());
}

async function init(client: TransactionalClient, producer: Parameters<TransactionalClient['end']>[0]) {
  const answer = await client.init(producer.transactionalId, producer);
  return answer.error === 'NONE' ? `epoch ${answer.producerEpoch}` : answer.error;
}

async function stateOf(client: TransactionalClient, transactionalId: string): Promise<string> {
  return (await client.describe(transactionalId)).state;
}

/** Kafka may write the markers after it has responded. */
async function settled(client: TransactionalClient, transactionalId: string, state: string): Promise<void> {
  await client.patiently(async () => ({
    error: (await stateOf(client, transactionalId)) === state ? 'NONE' : 'CONCURRENT_TRANSACTIONS',
  }));
}

async function end(client: TransactionalClient, topic: string, level: 'committed' | 'uncommitted') {
  return String(await client.endOffset(topic, 0, level));
}

async function read(client: TransactionalClient, topic: string, partition: number): Promise<string> {
  return (await client.read(topic, partition, 'committed')).join(' ');
}
