import { ProblemError } from '@hailstream/nest';
import { describe, expect, it } from 'vitest';
import { Admission, type AdmissionLimits, type Refusal, type Visit } from './admission.js';

const KIBIBYTE = 1_024;
const MEBIBYTE = 1_048_576;

const generous: AdmissionLimits = {
  providerRate: null,
  providerShare: 0.5,
  bodiesBytes: 128 * MEBIBYTE,
  logBufferBytes: 32 * MEBIBYTE,
  maxQueueingMs: 1_000,
};

function admissionWith(limits: Partial<AdmissionLimits>) {
  let now = 0;
  const refused: [Refusal, string | undefined][] = [];
  const admission = new Admission(
    { ...generous, ...limits },
    (...refusal) => refused.push(refusal),
    () => now,
  );
  return { admission, refused, pass: (ms: number) => void (now += ms) };
}

/** The problem of a request that is refused; `undefined` if it is admitted. */
function problemOf(act: () => unknown) {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof ProblemError) return error.problem;
    throw error;
  }
}

describe('a provider with a rate', () => {
  const limits = { providerRate: { perSecond: 100, burst: 200 } };

  it('is refused with 429 beyond it, and others are not', () => {
    const { admission, refused, pass } = admissionWith(limits);
    admission.charge(admission.enter('a', 10), 350);
    const problem = problemOf(() => admission.enter('a', 10));
    expect(problem).toMatchObject({
      status: 429,
      headers: {
        'retry-after': '2',
        'ratelimit-policy': '"provider";q=200;w=2;qu="events"',
        ratelimit: '"provider";r=0;t=2',
      },
    });
    expect(problemOf(() => admission.enter('b', 10))).toBeUndefined();
    expect(refused).toEqual([['rate', 'a']]);
    expect(admission.refusedCount('rate')).toBe(1);
    pass(1_600);
    expect(problemOf(() => admission.enter('a', 10))).toBeUndefined();
  });

  it('is told what is left', () => {
    const { admission } = admissionWith(limits);
    const visit = admission.enter('a', 10);
    admission.charge(visit, 50);
    expect(admission.headersOf(visit)).toEqual({
      'ratelimit-policy': '"provider";q=200;w=2;qu="events"',
      ratelimit: '"provider";r=150;t=1',
    });
  });

  it('pays for large bodies with few events, and for requests without any', () => {
    const { admission } = admissionWith(limits);
    const large = admission.enter('a', 100 * KIBIBYTE);
    admission.charge(large, 1);
    admission.charge(admission.enter('a', 0), 0);
    expect(admission.headersOf(large)).toMatchObject({ ratelimit: '"provider";r=149;t=1' });
  });
});

describe('a provider without a rate', () => {
  it('is told none', () => {
    const { admission } = admissionWith({});
    const visit = admission.enter('a', 10);
    admission.charge(visit, 1e9);
    expect(admission.headersOf(visit)).toEqual({});
    expect(problemOf(() => admission.enter('a', 10))).toBeUndefined();
  });
});

describe('the memory for bodies', () => {
  it('is refused to a provider beyond its share with 429, and to all when it is full with 503', () => {
    const { admission, refused } = admissionWith({ bodiesBytes: 10 * MEBIBYTE });
    const visits: Visit[] = [];
    while (problemOf(() => visits.push(admission.enter('a', MEBIBYTE))) === undefined);
    expect(visits).toHaveLength(4);
    for (const provider of ['b', 'c', 'd', 'e'])
      while (problemOf(() => visits.push(admission.enter(provider, MEBIBYTE))) === undefined);
    // If others have bodies as well, a provider has at most as much as is left.
    expect(visits.map(({ providerId }) => providerId).join('')).toBe('aaaabbbcd');
    expect(refused).toEqual([
      ['bodies-share', 'a'],
      ['bodies-share', 'b'],
      ['bodies-share', 'c'],
      ['bodies-share', 'd'],
      ['bodies', 'e'],
    ]);
    for (const visit of visits) admission.leave(visit);
    expect(admission.heldBytes).toBe(0);
  });

  it('admits a body of a provider that has no other, whatever its share', () => {
    const { admission } = admissionWith({ bodiesBytes: 2 * MEBIBYTE, providerShare: 0.01 });
    expect(problemOf(() => admission.enter('a', MEBIBYTE))).toBeUndefined();
    expect(problemOf(() => admission.enter('a', 1))).toMatchObject({ status: 429 });
  });

  it('counts the size of a body once it is known', () => {
    const { admission } = admissionWith({});
    const visit = admission.enter('a', 2 * MEBIBYTE);
    admission.resize(visit, KIBIBYTE);
    expect(admission.heldBytes).toBeLessThan(10 * KIBIBYTE);
    admission.leave(visit);
    expect(admission.heldBytes).toBe(0);
  });
});

describe('the buffer for the log', () => {
  it('is refused to a provider beyond its share', () => {
    const { admission } = admissionWith({ logBufferBytes: 10 * MEBIBYTE });
    const [a, b] = [admission.enter('a', 10), admission.enter('b', 10)];
    admission.addToLog(b, 1);
    admission.removeFromLog(b, 1, true);
    admission.addToLog(a, 4 * MEBIBYTE);
    expect(problemOf(() => admission.addToLog(a, 2 * MEBIBYTE))).toMatchObject({ status: 429 });
    admission.addToLog(b, 2 * MEBIBYTE);
    admission.removeFromLog(a, 4 * MEBIBYTE, true);
    admission.addToLog(a, 2 * MEBIBYTE);
  });
});

describe('the buffer of a log that acknowledges nothing', () => {
  it('may be filled by any provider: nobody could use the rest', () => {
    const { admission, pass } = admissionWith({ logBufferBytes: 10 * MEBIBYTE });
    const a = admission.enter('a', 10);
    admission.addToLog(a, 1);
    admission.removeFromLog(a, 1, true);
    pass(1_000);
    admission.addToLog(a, 4 * MEBIBYTE);
    expect(problemOf(() => admission.addToLog(a, 4 * MEBIBYTE))).toBeUndefined();
  });
});

describe('a log that is slower than the requests', () => {
  /** Ten times a second, providers append, and the log acknowledges a part of it. */
  function load({ seconds, acknowledged }: { readonly seconds: number; readonly acknowledged: number }) {
    const { admission, pass, refused } = admissionWith({
      logBufferBytes: 1_024 * MEBIBYTE,
      bodiesBytes: 1_024 * MEBIBYTE,
    });
    const waiting: [Visit, number][] = [];
    let bytes = 0;
    let acknowledgedBytes = 0;
    for (let step = 0; step < seconds * 10; step += 1) {
      pass(100);
      for (const [provider, sizeBytes] of [
        ['large', 950_000],
        ['small', 50_000],
      ] as const) {
        let visit!: Visit;
        if (problemOf(() => (visit = admission.enter(provider, 10))) !== undefined) continue;
        admission.addToLog(visit, sizeBytes);
        waiting.push([visit, sizeBytes]);
      }
      bytes += acknowledged / 10;
      for (let next = waiting[0]; next !== undefined && next[1] <= bytes; next = waiting[0]) {
        admission.removeFromLog(...next, true);
        bytes -= next[1];
        acknowledgedBytes += next[1];
        waiting.shift();
      }
      if (waiting.length === 0) bytes = 0;
    }
    return { refused, acknowledgedBytes, queuedBytes: waiting.reduce((sum, [, bytes]) => sum + bytes, 0) };
  }

  it('makes the queue short again by refusing those that fill it, with 503', () => {
    const { refused, queuedBytes } = load({ seconds: 30, acknowledged: 10_000_000 });
    expect(refused).toEqual([]);
    expect(queuedBytes).toBeLessThan(2_000_000);
    const overload = load({ seconds: 30, acknowledged: 5_000_000 });
    expect(new Set(overload.refused.map(String))).toEqual(new Set(['log-queue,large']));
    expect(overload.queuedBytes).toBeLessThan(2 * 5_000_000);
    // At twice what the log acknowledges, it still has something to do all the time.
    expect(overload.acknowledgedBytes).toBeGreaterThan(0.95 * 30 * 5_000_000);
  });

  it('refuses nothing if the log acknowledges nothing: then it is unreachable, and requests time out', () => {
    expect(load({ seconds: 30, acknowledged: 0 }).refused).toEqual([]);
  });
});

describe('accounts', () => {
  it('are removed while they are idle, so that providers cannot use memory', () => {
    const { admission, pass } = admissionWith({ providerRate: { perSecond: 10, burst: 10 } });
    const busy = admission.enter('busy', 10);
    admission.charge(busy, 10);
    for (let index = 0; index < 5_000; index += 1) {
      admission.leave(admission.enter(`provider-${index}`, 10));
      pass(1);
    }
    expect((admission as unknown as { accounts: Map<string, unknown> }).accounts.size).toBeLessThan(1_002);
    admission.leave(busy);
    expect(admission.heldBytes).toBe(0);
  });
});
