import { describe, expect, it } from 'vitest';
import { CoresError, shareCores } from './cores.js';

describe(shareCores, () => {
  it.each([
    ['0,1', '0', '1'],
    ['0-3', '0,1', '2,3'],
    ['2-4,8', '2,3', '4,8'],
    ['0-2', '0', '1,2'],
  ])('divides %s into %s and %s', (all, servers, clients) => {
    expect(shareCores(all)).toEqual({ all, servers, clients });
  });

  it.each(['0', '5', ''])('rejects %j, which has no two cores', (all) => {
    expect(() => shareCores(all)).toThrow(CoresError);
  });
});
