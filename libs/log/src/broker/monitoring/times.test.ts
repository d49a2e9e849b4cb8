import { describe, expect, it } from 'vitest';
import { Times } from './times.js';

describe(Times, () => {
  it('counts into every bucket whose bound is not below', () => {
    const times = new Times([0.1, 1]);
    for (const seconds of [0.05, 0.1, 0.5, 7]) times.note(seconds);
    const values = times.values('t', { api: 'Fetch' });
    expect(values.map(({ metricName, labels, value }) => [metricName, labels.le, value])).toEqual([
      ['t_bucket', 0.1, 2],
      ['t_bucket', 1, 3],
      ['t_bucket', '+Inf', 4],
      ['t_sum', undefined, 7.65],
      ['t_count', undefined, 4],
    ]);
    expect(values.every(({ labels }) => (labels as Record<string, unknown>)['api'] === 'Fetch')).toBe(true);
  });
});
