import { describe, expect, it } from 'vitest';
import { isSameOrigin } from './same-origin.js';

const host = '127.0.0.1:4001';

describe('isSameOrigin', () => {
  it.each([
    ['no page', {}, true],
    ['a page of the same host', { origin: 'http://127.0.0.1:4001' }, true],
    [
      'a page of the host in front',
      { origin: 'https://live.example', 'x-forwarded-host': 'live.example' },
      true,
    ],
    ['a page of another site', { origin: 'https://elsewhere.example' }, false],
    ['a page of another port', { origin: 'http://127.0.0.1:8080' }, false],
    ['a page without an origin of its own', { origin: 'null' }, false],
  ])('answers %s', (_, headers, expected) => {
    expect(isSameOrigin({ host, ...headers })).toBe(expected);
  });
});
