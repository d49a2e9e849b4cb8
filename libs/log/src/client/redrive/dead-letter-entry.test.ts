import { describe, expect, it } from 'vitest';
import {
  groupDeadLetters,
  matchesFilter,
  toEntry,
  type DeadLetterEntry,
  type DeadLetterFilter,
} from './dead-letter-entry.js';

function entry(error: string, changes: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  const origin = {
    id: 'a/3/42/g/1',
    topic: 'a',
    partition: 3,
    offset: 42n,
    lastOffset: undefined,
    groupId: 'g',
    attempts: 1,
    errorName: 'TypeError',
    error,
    timestampMs: 1,
    headers: [],
    omittedValue: undefined,
    omittedKey: undefined,
  };
  const record = { offset: 7n, key: null, value: null, headers: {}, timestampMs: 1_000 };
  return { ...toEntry(origin, record, { partition: 0, owner: 'p' }), ...changes };
}

describe(toEntry, () => {
  it.each([
    ['line 12 of 0197a1c0-6d1f-7000-8000-000000000001', 'line # of #'],
    ['cannot parse "fast" at [3:7]', 'cannot parse "…" at [#:#]'],
    ["Unexpected token 'h', isn't JSON", "Unexpected token '…', isn't JSON"],
    ['bad face', 'bad face'],
    ['', 'TypeError'],
  ])('has a pattern of its reason: %s', (error, pattern) => {
    expect(entry(error).pattern).toBe(pattern);
  });

  it('has a short pattern for any reason, in linear time', () => {
    expect(entry('a"'.repeat(500_000)).pattern.length).toBe(200);
    expect(entry('abcdef'.repeat(200_000)).pattern.length).toBe(200);
  });
});

describe(matchesFilter, () => {
  const written = { firstWrittenMs: 1_000, lastWrittenMs: 3_000 };
  it.each<[boolean, DeadLetterFilter]>([
    [true, {}],
    [true, { groupId: 'g', topic: 'a', owner: 'p' }],
    [false, { groupId: 'h' }],
    [false, { topic: 'b' }],
    [false, { owner: 'q' }],
    [true, { reason: 'record 5' }],
    [true, { reason: 'record #' }],
    [false, { reason: 'record 6' }],
    [true, { sinceMs: 3_000 }],
    [false, { sinceMs: 3_001 }],
    [true, { untilMs: 1_001 }],
    [false, { untilMs: 1_000 }],
  ])('is %s for %o', (isMatch, filter) => {
    expect(matchesFilter(entry('record 5', written), filter)).toBe(isMatch);
  });

  it('matches redriven ones only on request', () => {
    const redriven = entry('no', { redrivenMs: 1 });
    expect(matchesFilter(redriven, {})).toBe(false);
    expect(matchesFilter(redriven, { includesRedriven: true })).toBe(true);
  });
});

describe(groupDeadLetters, () => {
  it('counts by group, topic and pattern, with the reason of the latest one', () => {
    const at = (ms: number) => ({ firstWrittenMs: ms, lastWrittenMs: ms });
    const groups = groupDeadLetters([
      entry('record 1', at(5)),
      entry('record 3', { ...at(9), redrivenMs: 10 }),
      entry('record 2', at(7)),
      entry('record 2', { ...at(8), groupId: 'h' }),
      entry('other', at(20)),
    ]);
    expect(groups).toMatchObject([
      { groupId: 'g', pattern: 'other', count: 1, redriven: 0 },
      {
        groupId: 'g',
        pattern: 'record #',
        reason: 'record 3',
        count: 3,
        redriven: 1,
        firstWrittenMs: 5,
        lastWrittenMs: 9,
      },
      { groupId: 'h', count: 1 },
    ]);
  });
});
