import { Random } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.js';

const MAX_QUEUEING_MS = 2_000;
const SECONDS = 8;

/** Time of the connections in each turn of the event loop. */
const CONNECTIONS_MS = 0.5;

/** Time until a refused request is sent again. */
const REFUSAL_MS = 0.02;

/** A provider that sends requests at a rate, whatever the responses are. */
interface Sender {
  readonly perSecond: number;
  readonly costMs: number;
  readonly sizeBytes: number;
}

interface Served {
  readonly waits: number[];
  refused: number;
}

/** Sends requests of all providers for a while, in the time that their work takes. */
async function serve(senders: readonly Sender[], seed: number): Promise<readonly Served[]> {
  const random = new Random(seed);
  let now = 0;
  const limits = { providerRate: null, providerShare: 1, bodiesBytes: 1e12, logBufferBytes: 1e12 };
  const admission = new Admission({ ...limits, maxQueueingMs: MAX_QUEUEING_MS }, undefined, () => now);
  const served = senders.map((): Served => ({ waits: [], refused: 0 }));
  const nextAt = senders.map(() => 0);
  const refuse = (index: number): void => {
    served[index]!.refused += 1;
    now += REFUSAL_MS;
  };
  const send = (index: number, arrivedAt: number): void => {
    const { sizeBytes, costMs } = senders[index]!;
    try {
      const visit = admission.enter(String(index), sizeBytes);
      const leave = (): void => admission.leave(visit);
      const work = (): void => {
        served[index]!.waits.push(now - arrivedAt);
        now += costMs * (0.5 + random.fraction());
        leave();
      };
      admission.run(visit, work, () => {
        refuse(index);
        leave();
      });
    } catch {
      refuse(index);
    }
  };
  while (now < SECONDS * 1_000) {
    const until = now;
    for (const [index, { perSecond }] of senders.entries()) {
      for (; nextAt[index]! <= until; nextAt[index]! += (2 * random.fraction() * 1_000) / perSecond)
        send(index, now);
    }
    now += CONNECTIONS_MS;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return served;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const percentile = (waits: readonly number[], part: number): number =>
  waits.toSorted((one, other) => one - other)[Math.floor((waits.length - 1) * part)]!;

const batches = { costMs: 2, sizeBytes: 30_000 };
const single = { costMs: 0.1, sizeBytes: 300 };

describe(Admission, () => {
  it.each([
    ['batches', [{ ...batches, perSecond: 400 }]],
    ['single events', [{ ...single, perSecond: 7_000 }]],
    ['of several providers', Array.from({ length: 8 }, () => ({ ...batches, perSecond: 50 }))],
    [
      'of different sizes',
      [
        { ...batches, perSecond: 200 },
        { ...single, perSecond: 3_000 },
      ],
    ],
  ])('refuses nothing while there is less to do than can be done: %s', async (_, senders) => {
    for (const { refused, waits } of await serve(senders, 1)) {
      expect(refused).toBe(0);
      expect(waits.length).toBeGreaterThan(0);
    }
  });

  it.each([2, 10])(
    'accepts as much as can be done, within the limit, of one provider that sends %i times of it',
    async (times) => {
      const [result] = await serve([{ ...batches, perSecond: times * 500 }], times);
      const { waits, refused } = result!;
      expect(refused).toBeGreaterThan(0);
      expect(Math.max(...waits)).toBeLessThanOrEqual(MAX_QUEUEING_MS);
      expect(percentile(waits, 0.99)).toBeLessThan(0.75 * MAX_QUEUEING_MS);
      const refusing = refused * REFUSAL_MS;
      expect(2 * waits.length + refusing).toBeGreaterThan(0.88 * SECONDS * 1_000);
    },
  );

  it('does not refuse or delay a provider within its share because of others', async () => {
    const senders = [
      { ...batches, perSecond: 5_000 },
      { costMs: 30, sizeBytes: 2_000_000, perSecond: 300 },
      { ...single, perSecond: 500 },
    ];
    const [greedy, large, small] = await serve(senders, 3);
    expect(small!.refused).toBe(0);
    expect(percentile(small!.waits, 0.99)).toBeLessThan(100);
    // The others use the rest in equal parts.
    const [ofGreedy, ofLarge] = [2 * greedy!.waits.length, 30 * large!.waits.length];
    expect(ofGreedy / ofLarge).toBeGreaterThan(0.8);
    expect(ofGreedy / ofLarge).toBeLessThan(1.25);
    for (const { waits } of [greedy!, large!])
      expect(Math.max(...waits)).toBeLessThanOrEqual(MAX_QUEUEING_MS);
  });

  it('starves no provider, however many there are and whatever their requests cost', async () => {
    const senders = Array.from({ length: 150 }, (_, index) => ({
      costMs: index % 3 === 0 ? 40 : 2,
      sizeBytes: index % 3 === 0 ? 2_000_000 : 30_000,
      perSecond: 20,
    }));
    const served = await serve(senders, 4);
    for (const { waits } of served) {
      expect(waits.length).toBeGreaterThan(0);
      expect(Math.max(...waits)).toBeLessThanOrEqual(MAX_QUEUEING_MS);
    }
    const usedMs = sum(served.map(({ waits }, index) => waits.length * senders[index]!.costMs));
    expect(usedMs).toBeGreaterThan(0.7 * SECONDS * 1_000);
  });
});
