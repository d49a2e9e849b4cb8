import { describe, expect, it } from 'vitest';
import {
  isValidArrival,
  isValidChange,
  transitions,
  vehicleEventTypes,
  vehicleStates,
} from './vehicle-states.js';

describe('transitions', () => {
  it('has the 42 rows of the MDS table, each once', () => {
    expect(new Set(transitions.map((row) => row.join())).size).toBe(42);
    expect(transitions.length).toBe(42);
  });

  it('has no transition from on_trip to available', () => {
    expect(transitions.filter((row) => row.join().startsWith('on_trip,available,'))).toEqual([]);
  });

  it('reaches every state and leaves every state', () => {
    expect(new Set(transitions.map(([from]) => from))).toEqual(new Set(vehicleStates));
    expect(new Set(transitions.map(([, to]) => to))).toEqual(new Set(vehicleStates));
  });
});

describe('isValidArrival', () => {
  it('depends on the target state only', () => {
    expect(isValidArrival('available', 'trip_end')).toBe(true);
    expect(isValidArrival('on_trip', 'trip_end')).toBe(false);
    expect(isValidArrival('reserved', 'comms_restored')).toBe(true);
  });
});

describe('isValidChange', () => {
  it('accepts one event type for the rows of the table only', () => {
    const rows = new Set(transitions.map((row) => row.join()));
    for (const from of vehicleStates) {
      for (const to of vehicleStates) {
        for (const by of vehicleEventTypes) {
          expect(isValidChange({ from, to, eventTypes: [by] })).toBe(rows.has([from, to, by].join()));
        }
      }
    }
  });

  it('follows several event types through intermediate states', () => {
    expect(isValidChange({ from: 'on_trip', to: 'available', eventTypes: ['trip_stop', 'trip_end'] })).toBe(
      true,
    );
    expect(isValidChange({ from: 'on_trip', to: 'available', eventTypes: ['trip_end'] })).toBe(false);
  });

  it('rejects a change without event types', () => {
    expect(isValidChange({ from: 'available', to: 'available', eventTypes: [] })).toBe(false);
  });
});
