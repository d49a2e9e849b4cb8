import { describe, expect, it } from 'vitest';
import { errorIn } from './broker-metrics.js';

describe(errorIn, () => {
  it.each([
    [{ errorCode: 27 }, 27],
    [{ errorCode: 0, topics: [] }, 0],
    [{ topics: [{ name: 'a', partitions: [{ errorCode: 0 }, { errorCode: 1 }, { errorCode: 2 }] }] }, 1],
    [{ responses: [{ errorCode: 0 }, { errorCode: 42 }] }, 42],
    [{ topics: null }, 0],
    [undefined, 0],
  ])('of %j is %i', (answer, code) => {
    expect(errorIn(answer)).toBe(code);
  });
});
