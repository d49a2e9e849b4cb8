import { describe, expect, it } from 'vitest';
import {
  type ConnectionEvent,
  type ConnectionState,
  nextConnectionState,
  retryDelayMs,
} from './connection-state.js';

const states: ConnectionState[] = [{ kind: 'connecting' }, { kind: 'connected' }, { kind: 'reconnecting' }];
const outcomes: [ConnectionEvent, ConnectionState][] = [
  [{ kind: 'opened' }, { kind: 'connected' }],
  [{ kind: 'lost' }, { kind: 'reconnecting' }],
  [
    { kind: 'refused', hadToken: true },
    { kind: 'signed-out', hadToken: true },
  ],
];

describe('nextConnectionState', () => {
  it.each(outcomes)('applies %j in every state that is not final', (event, next) => {
    for (const state of states) expect(nextConnectionState(state, event)).toEqual(next);
  });

  it('stays signed out', () => {
    const signedOut: ConnectionState = { kind: 'signed-out', hadToken: false };
    for (const [event] of outcomes) expect(nextConnectionState(signedOut, event)).toBe(signedOut);
  });
});

describe('retryDelayMs', () => {
  it('doubles up to the maximum, and differs by up to a half', () => {
    const delays = (random: number) => [1, 2, 3, 4, 50].map((attempt) => retryDelayMs(attempt, () => random));
    expect(delays(1)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect(delays(0)).toEqual([500, 1_000, 2_000, 2_500, 2_500]);
  });
});
