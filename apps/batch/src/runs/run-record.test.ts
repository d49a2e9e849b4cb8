import { describe, expect, it } from 'vitest';
import type { LoadResult } from '../load/load-result.js';
import { MAX_RUNS_KEPT, RunHistory } from './run-record.js';

const result: LoadResult = {
  outcome: 'complete',
  topics: {},
  read: 3,
  rows: 3,
  duplicates: 0,
  rejects: 0,
  expired: 0,
  erased: 0,
  skipped: 0,
  lost: 0,
  seconds: 0.5,
};

describe('RunHistory', () => {
  it('has the newest run first, running until it ends', () => {
    const history = new RunHistory();
    history.begin(0);
    history.succeed(result, 1_000);
    history.begin(2_000);
    expect(history.latest).toEqual([
      { status: 'running', startedAt: '1970-01-01T00:00:02.000Z' },
      {
        status: 'succeeded',
        startedAt: '1970-01-01T00:00:00.000Z',
        endedAt: '1970-01-01T00:00:01.000Z',
        ...result,
      },
    ]);
    history.fail('no broker', 3_000);
    expect(history.latest[0]).toMatchObject({ status: 'failed', reason: 'no broker' });
  });

  it('drops the oldest run', () => {
    const history = new RunHistory();
    for (let run = 0; run < MAX_RUNS_KEPT + 5; run += 1) history.begin(run);
    expect(history.latest).toHaveLength(MAX_RUNS_KEPT);
  });
});
