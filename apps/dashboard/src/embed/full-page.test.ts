import { describe, expect, it } from 'vitest';
import { parseAddress } from '../address/address.js';
import { fullPageOf } from './full-page.js';

describe('fullPageOf', () => {
  it('shows the same as the embedded page, with everything around the map', () => {
    const search = '?map=14.25/43.73840/7.42460&states=stopped,unknown&embed=1&theme=dark';
    const url = fullPageOf({ pathname: '/', search });
    const { embed, ...others } = parseAddress(search).given;
    expect(embed).toBe(true);
    expect(parseAddress(new URL(url, 'http://page.example').search)).toEqual({ given: others, ignored: [] });
  });

  it('has no query if the map is shown as at first', () => {
    expect(fullPageOf({ pathname: '/live/', search: '?embed=1' })).toBe('/live/');
  });
});
