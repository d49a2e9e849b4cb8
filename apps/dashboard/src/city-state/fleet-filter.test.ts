import { describe, expect, it } from 'vitest';
import { statesOnMap } from './drawn-state.js';
import { filterQuery, hidesAll, isShown } from './fleet-filter.js';

const everything = { hidden: new Set<never>(), provider: null, battery: null, contact: 'any' } as const;

describe('isShown', () => {
  it('shows battery levels below the limit, and none that is not known', () => {
    const shown = [19, 20, null].map((battery) =>
      isShown({ battery: 20, contact: 'any' }, { battery, contact: 'live' }),
    );
    expect(shown).toEqual([true, false, false]);
  });

  it('shows quiet vehicles, those that are silent included', () => {
    const shown = (['live', 'stale', 'silent'] as const).map((contact) =>
      isShown({ battery: null, contact: 'quiet' }, { battery: null, contact }),
    );
    expect(shown).toEqual([false, true, true]);
  });
});

describe('filterQuery', () => {
  it('selects everything without a filter', () => {
    expect(String(filterQuery(everything))).toBe('');
  });

  it('has every filter', () => {
    const hidden = new Set(statesOnMap.filter((state) => state !== 'available'));
    const query = filterQuery({ hidden, provider: 'p', battery: 30, contact: 'quiet' });
    expect(Object.fromEntries(query)).toEqual({
      provider_id: 'p',
      state: 'available',
      battery_below: '30',
      contact: 'stale,silent',
    });
    expect(hidesAll({ hidden })).toBe(false);
    expect(hidesAll({ hidden: new Set(statesOnMap) })).toBe(true);
  });
});
