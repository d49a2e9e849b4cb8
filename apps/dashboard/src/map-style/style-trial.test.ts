import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { StyleFailure } from './map-style.js';
import { StyleTrial, WORKS_WITHIN_MS } from './style-trial.js';

beforeEach(() => void vi.useFakeTimers());

function begin({ needsTile = true, isVisible = (): boolean => true } = {}) {
  const ends: (StyleFailure | null)[] = [];
  const trial = new StyleTrial({ needsTile, isVisible, onEnd: (failure) => ends.push(failure) });
  return { trial, ends };
}

describe('StyleTrial', () => {
  it('accepts a style whose first tile was loaded, whatever fails afterwards', () => {
    const { trial, ends } = begin();
    trial.styleLoaded();
    trial.error('one tile failed');
    trial.tileLoaded();
    trial.error('another tile failed');
    trial.idle();
    vi.advanceTimersByTime(WORKS_WITHIN_MS);
    expect(ends).toEqual([null]);
  });

  it('accepts a style without tiles once it is loaded', () => {
    const { trial, ends } = begin({ needsTile: false });
    expect(ends).toEqual([]);
    trial.styleLoaded();
    expect(ends).toEqual([null]);
  });

  it('has the first error of a style that is not valid', () => {
    const { trial, ends } = begin();
    trial.error('layers[0].type: unknown');
    trial.error('layers[1].type: unknown');
    expect(ends).toEqual([{ kind: 'invalid', reason: 'layers[0].type: unknown' }]);
  });

  it('has the first error of a style without a loaded tile', () => {
    const { trial, ends } = begin();
    trial.styleLoaded();
    trial.error('Failed to fetch (0): https://tiles.example/1/0/0');
    trial.error('Failed to fetch (0): https://tiles.example/1/0/1');
    expect(ends).toEqual([]);
    trial.idle();
    expect(ends).toEqual([{ kind: 'tiles', reason: 'Failed to fetch (0): https://tiles.example/1/0/0' }]);
  });

  it('does not wait for servers that do not respond', () => {
    const { trial, ends } = begin();
    trial.styleLoaded();
    vi.advanceTimersByTime(WORKS_WITHIN_MS - 1);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ends).toEqual([{ kind: 'tiles', reason: null }]);
  });

  it('waits while the page is hidden', () => {
    let isVisible = false;
    const { trial, ends } = begin({ isVisible: () => isVisible });
    vi.advanceTimersByTime(10 * WORKS_WITHIN_MS);
    isVisible = true;
    vi.advanceTimersByTime(WORKS_WITHIN_MS - 1_000);
    expect(ends).toEqual([]);
    trial.styleLoaded();
    vi.advanceTimersByTime(1_000);
    expect(ends).toEqual([{ kind: 'tiles', reason: null }]);
  });

  it('decides nothing after it was stopped', () => {
    const { trial, ends } = begin();
    trial.stop();
    trial.error('late');
    vi.advanceTimersByTime(WORKS_WITHIN_MS);
    expect(ends).toEqual([]);
  });
});
