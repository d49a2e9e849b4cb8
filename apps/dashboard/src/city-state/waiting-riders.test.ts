import type { Figures, Frame, GoneRow, RequestRow } from '@hailstream/events/live';
import { describe, expect, it } from 'vitest';
import { WaitingRiders } from './waiting-riders.js';

function frame(requests: RequestRow[], requestsGone: GoneRow[] = []): Frame {
  const providers = { 0: 'p', 1: 'q' };
  return {
    asOf: 0,
    tickMs: 1000,
    providers,
    vehicles: [],
    gone: [],
    requests,
    requestsGone,
    figures: {} as Figures,
  };
}

describe('WaitingRiders', () => {
  it('adds, removes and replaces riders, by provider and trip', () => {
    const riders = new WaitingRiders();
    const rows: RequestRow[] = [
      ['a', 43, 7, 1, 0],
      ['a', 44, 8, 2, 1],
    ];
    riders.apply(frame(rows), { whole: true });
    expect(riders.list).toHaveLength(2);
    riders.apply(frame([['b', 45, 9, 3, 0]], [['a', 0]]), { whole: false });
    expect(riders.rider({ tripId: 'a', providerId: 'p' })).toBeUndefined();
    expect(riders.rider({ tripId: 'a', providerId: 'q' })).toMatchObject({ lat: 44, requestedAt: 2 });
    riders.apply(frame([['c', 45, 9, 3, 0]]), { whole: true });
    expect(riders.list.map(({ tripId }) => tripId)).toEqual(['c']);
  });

  it('lists the same array while nothing changes', () => {
    const riders = new WaitingRiders();
    riders.apply(frame([['a', 43, 7, 1, 0]]), { whole: true });
    const { list } = riders;
    riders.apply(frame([]), { whole: false });
    expect(riders.list).toBe(list);
  });
});
