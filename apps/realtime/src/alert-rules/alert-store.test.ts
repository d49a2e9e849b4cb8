import { alertExample, type AlertRecord } from '@hailstream/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlertStore } from './alert-store.js';

const raised: AlertRecord = alertExample;
const acknowledged = (by: string): AlertRecord => ({
  ...raised,
  change: 'acknowledged',
  state: 'acknowledged',
  acknowledged_at: raised.raised_at + 1_000,
  acknowledged_by: by,
});
const cleared: AlertRecord = {
  ...raised,
  change: 'cleared',
  state: 'cleared',
  cleared_at: raised.raised_at + 5_000,
};

function stateAfter(...records: AlertRecord[]) {
  const store = new AlertStore();
  for (const record of records) store.apply(record);
  return store.get(raised.alert_id);
}

describe(AlertStore, () => {
  it('keeps the first acknowledgement', () => {
    expect(stateAfter(raised, acknowledged('Kim'), acknowledged('Ada'))).toMatchObject({
      state: 'acknowledged',
      acknowledged_by: 'Kim',
    });
  });

  it('keeps who acknowledged an alert that is cleared, in both orders', () => {
    const both = { state: 'cleared', acknowledged_by: 'Kim', cleared_at: cleared.cleared_at };
    expect(stateAfter(raised, acknowledged('Kim'), cleared)).toMatchObject(both);
    expect(stateAfter(raised, cleared, acknowledged('Kim'))).toMatchObject(both);
  });

  it('ignores repeats', () => {
    const changes = [raised, acknowledged('Kim'), cleared];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...changes), { maxLength: 6 }), (repeats) => {
        const after = stateAfter(...changes, ...repeats);
        expect({ ...after, changed_at: 0 }).toEqual({ ...stateAfter(...changes), changed_at: 0 });
      }),
    );
    const store = new AlertStore();
    expect([raised, raised].map((record) => store.apply(record) !== null)).toEqual([true, false]);
  });

  it('counts what is not cleared', () => {
    const store = new AlertStore();
    store.apply(raised);
    expect(store.counts(null)).toEqual({ open: { info: 0, warning: 0, critical: 1 }, acknowledged: 0 });
    store.apply(acknowledged('Kim'));
    expect(store.counts(null)).toEqual({ open: { info: 0, warning: 0, critical: 0 }, acknowledged: 1 });
    store.apply(cleared);
    expect(store.openRules).toEqual([]);
  });
});
