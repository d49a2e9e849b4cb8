import { describe, expect, it } from 'vitest';
import { parseBbox } from './bbox.js';

describe('parseBbox', () => {
  it('parses west, south, east, north', () => {
    expect(parseBbox('7.4,43.72, 7.45,43.76')).toEqual({ west: 7.4, south: 43.72, east: 7.45, north: 43.76 });
    expect(parseBbox('170,-20,-170,-10')).toEqual({ west: 170, south: -20, east: -170, north: -10 });
  });

  it.each([
    ['', /four numbers/],
    ['1,2,3', /four numbers/],
    ['1,2,3,4,5', /four numbers/],
    ['1,,3,4', /four numbers/],
    ['a,2,3,4', /four numbers/],
    ['1,2,Infinity,4', /four numbers/],
    ['-181,2,3,4', /from -180 to 180/],
    ['1,2,3,91', /from -90 to 90/],
    ['1,5,3,4', /south must not be greater/],
  ])('rejects %j with a reason', (text, reason) => {
    expect(() => parseBbox(text)).toThrow(reason);
  });
});
