import { describe, expect, it } from 'vitest';
import { table } from './report.js';

describe('table', () => {
  it('marks a comparison that was not measured, with its target and the reason', () => {
    const row = { kind: 'unmeasured', name: 'load', reference: 'a peer', reason: 'Go is missing' } as const;
    const lines = table([
      { ...row, target: { atLeast: 2 } },
      { ...row, target: null },
    ]).split('\n');
    expect(lines.slice(2)).toEqual([
      '| load | – | – (a peer) | – | ≥ 2 | **not measured**: Go is missing |',
      '| load | – | – (a peer) | – | – | **not measured**: Go is missing |',
    ]);
  });
});
