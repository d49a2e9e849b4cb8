import { describe, expect, it } from 'vitest';
import { ErrorCode, codeOf, type ProtocolError } from '../../protocol/error-codes.js';
import { newTransaction, type Transaction } from './transaction.js';
import { TransactionalId } from './transactional-id.js';
import { TRANSITIONS, type Reaction, type Standing, type TransactionRequest } from './transitions.js';

const PARTITION = { topic: 'rides', partition: 0 };
const START_MS = 1000;
const TIMEOUT_MS = 500;
const NEXT_PRODUCER_ID = 99n;

/** A transactional id in a state, and its calls since then. */
interface Scene {
  readonly id: TransactionalId;
  readonly kept: Transaction[];
  readonly marked: Transaction[];
  readonly removed: string[];
  /** Completes pending writes to the log. */
  arrive(): void;
}

function sceneIn(standing: Standing): Scene {
  const scene: Omit<Scene, 'id' | 'arrive'> = { kept: [], marked: [], removed: [] };
  let arrive = () => undefined as void;
  const waits = new Promise<void>((resolve) => (arrive = resolve));
  const moving = standing === 'Moving';
  const transaction: Transaction = {
    ...newTransaction('id', 7n, START_MS),
    producerEpoch: 3,
    timeoutMs: TIMEOUT_MS,
    state: moving ? 'Ongoing' : standing,
    partitions: new Map(
      standing === 'Empty' || standing.startsWith('Complete') ? [] : [['rides', new Set([0])]],
    ),
    startedAtMs: START_MS,
  };
  const id = new TransactionalId(transaction, {
    keep: async (next) => {
      if (moving) await waits;
      scene.kept.push(next);
    },
    remove: async (name) => void scene.removed.push(name),
    writeMarkers: async (next) => void scene.marked.push(next),
    unfinished: (_, cause) => {
      throw cause;
    },
    nextProducerId: async () => NEXT_PRODUCER_ID,
    // Later than every timeout.
    now: () => START_MS + 10 * TIMEOUT_MS,
  });
  if (moving) void id.add(producerOf(id), [{ topic: 'rides', partition: 1 }]);
  return { ...scene, id, arrive };
}

function producerOf({ current: { producerId, producerEpoch } }: TransactionalId) {
  return { producerId, producerEpoch };
}

const ASK: Record<TransactionRequest, (id: TransactionalId) => unknown> = {
  'init-producer': (id) => id.init(TIMEOUT_MS, undefined),
  'add-partitions': (id) => id.add(producerOf(id), [{ topic: 'rides', partition: 2 }]),
  commit: (id) => id.end(producerOf(id), 'commit'),
  abort: (id) => id.end(producerOf(id), 'abort'),
  'verify-partition': (id) => id.verify(producerOf(id), PARTITION),
  'time-out': (id) => id.timeOut(),
  expire: (id) => id.expire(TIMEOUT_MS),
  finish: (id) => id.finish(),
};

/** The observable result of a reaction. */
const SEEN: Record<Reaction, (answer: unknown, scene: Scene, request: TransactionRequest) => void> = {
  'next-epoch': (answer, { id, kept }) => {
    expect(answer).toEqual({ producerId: 7n, producerEpoch: 4 });
    expect(kept).toEqual([id.current]);
    expect(id.current).toMatchObject({ state: 'Empty', lastProducerEpoch: -1 });
  },
  'fence-and-abort': (answer, { id, kept, marked }, request) => {
    expect(answer).toBe(request === 'init-producer' ? ErrorCode.CONCURRENT_TRANSACTIONS : undefined);
    expect(kept.map(({ state, producerEpoch }) => [state, producerEpoch])).toEqual([
      ['PrepareAbort', 4],
      ['CompleteAbort', 4],
    ]);
    expect(marked).toMatchObject([{ state: 'PrepareAbort', producerEpoch: 4 }]);
    expect(id.current.partitions.size).toBe(0);
  },
  begin: (_, { id, kept }) => {
    expect(kept).toEqual([id.current]);
    expect(id.current).toMatchObject({ state: 'Ongoing', startedAtMs: START_MS + 10 * TIMEOUT_MS });
    expect(id.current.partitions).toEqual(new Map([['rides', new Set([2])]]));
  },
  extend: (_, { id }) => {
    expect(id.current).toMatchObject({ state: 'Ongoing', startedAtMs: START_MS });
    expect(id.current.partitions).toEqual(new Map([['rides', new Set([0, 2])]]));
  },
  'prepare-commit': (answer, { kept, marked }) => {
    expect(answer).toBeUndefined();
    expect(kept.map(({ state }) => state)).toEqual(['PrepareCommit', 'CompleteCommit']);
    expect(marked).toHaveLength(1);
  },
  'prepare-abort': (answer, { kept, marked }) => {
    expect(answer).toBeUndefined();
    expect(kept.map(({ state }) => state)).toEqual(['PrepareAbort', 'CompleteAbort']);
    expect(marked).toHaveLength(1);
  },
  'answer-again': (answer, { kept }) => {
    expect(answer).toBeUndefined();
    expect(kept).toEqual([]);
  },
  'look-up': (answer) => expect(answer).toBeUndefined(),
  remove: (answer, { removed }) => {
    expect(answer).toBe(true);
    expect(removed).toEqual(['id']);
  },
  'write-markers': (_, { id, marked }) => {
    expect(marked).toHaveLength(1);
    expect(id.standing).toMatch(/^Complete/);
  },
  ignore: (answer, { kept, marked, removed }) => {
    expect(answer).toBe(answer === false ? false : undefined);
    expect([kept, marked, removed]).toEqual([[], [], []]);
  },
  'reject-concurrent': (answer, { kept }) => {
    expect(answer).toBe(ErrorCode.CONCURRENT_TRANSACTIONS);
    expect(kept).toEqual([]);
  },
  'reject-state': (answer, { kept }) => {
    expect(answer).toBe(ErrorCode.INVALID_TXN_STATE);
    expect(kept).toEqual([]);
  },
};

describe('the state machine of a transactional id', () => {
  const cells = Object.entries(TRANSITIONS).flatMap(([standing, row]) =>
    Object.entries(row).map(([request, reaction]) => ({ standing, request, reaction })),
  ) as { standing: Standing; request: TransactionRequest; reaction: Reaction }[];

  it.each(cells)('$standing × $request: $reaction', async ({ standing, request, reaction }) => {
    const scene = sceneIn(standing);
    expect(scene.id.standing).toBe(standing);
    const answer = await (async () => ASK[request](scene.id))().catch((error: ProtocolError) =>
      codeOf(error),
    );
    SEEN[reaction](answer, scene, request);
    scene.arrive();
  });
});

describe('TransactionalId', () => {
  it('assigns a new producer id when the epochs of one are used up', async () => {
    const { id } = sceneIn('Empty');
    for (let epoch = 4; epoch <= 0x7ffe; epoch++) {
      expect(await id.init(TIMEOUT_MS, undefined)).toEqual({ producerId: 7n, producerEpoch: epoch });
    }
    expect(await id.init(TIMEOUT_MS, undefined)).toEqual({ producerId: NEXT_PRODUCER_ID, producerEpoch: 0 });
    // A producer that continues with the last epoch is fenced, unless it retries the request.
    const last = { producerId: 7n, producerEpoch: 0x7ffe };
    await expect(id.init(TIMEOUT_MS, last)).rejects.toMatchObject({ code: ErrorCode.PRODUCER_FENCED });
  }, 60_000);

  it('lets a producer retry the request that assigned a new producer id', async () => {
    const { id } = sceneIn('Empty');
    const last = { producerId: 7n, producerEpoch: 0x7ffe };
    while (id.current.producerEpoch < last.producerEpoch) await id.init(TIMEOUT_MS, undefined);
    const next = { producerId: NEXT_PRODUCER_ID, producerEpoch: 0 };
    expect(await id.init(TIMEOUT_MS, last)).toEqual(next);
    expect(await id.init(TIMEOUT_MS, last)).toEqual(next);
  });
});
