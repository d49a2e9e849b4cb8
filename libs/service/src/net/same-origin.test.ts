import { describe, expect, it } from 'vitest';
import { isSameOrigin, toOrigin } from './same-origin.js';

const host = '127.0.0.1:4001';

describe('isSameOrigin', () => {
  it.each([
    ['a client that is not a page', {}, true],
    ['a page of the same host', { origin: 'http://127.0.0.1:4001' }, true],
    [
      'a page of the host of a proxy',
      { origin: 'https://live.example', 'x-forwarded-host': 'live.example' },
      true,
    ],
    ['a host with its default port', { host: 'live.example:80', origin: 'http://live.example' }, true],
    [
      'a host with the default port of TLS',
      { host: 'live.example:443', origin: 'https://live.example' },
      true,
    ],
    ['an origin with its default port', { host: 'live.example', origin: 'https://live.example:443' }, true],
    ['a host in capitals', { host: 'Live.Example', origin: 'https://live.example' }, true],
    ['an origin in capitals', { host: 'live.example', origin: 'HTTPS://LIVE.EXAMPLE' }, true],
    ['an IPv6 host', { host: '[::1]:4001', origin: 'http://[::1]:4001' }, true],
    [
      'the first of several proxies',
      { origin: 'https://live.example', 'x-forwarded-host': 'live.example, inner.example:8080' },
      true,
    ],
    [
      'the last of several proxies',
      { origin: 'https://live.example', 'x-forwarded-host': ['edge.example', 'LIVE.example:443'] },
      true,
    ],
    [
      'a port in a separate header',
      {
        origin: 'https://live.example:8443',
        'x-forwarded-host': 'live.example',
        'x-forwarded-port': '8443, 80',
      },
      true,
    ],
    [
      'a host in the Forwarded header',
      {
        origin: 'https://live.example',
        forwarded: 'for=1.2.3.4;host="live.example";proto=https, host=inner',
      },
      true,
    ],
    ['a page of another site', { origin: 'https://elsewhere.example' }, false],
    ['a page of another port', { origin: 'http://127.0.0.1:8080' }, false],
    [
      'the default port of another scheme',
      { host: 'live.example:443', origin: 'http://live.example' },
      false,
    ],
    ['a page with an opaque origin', { origin: 'null' }, false],
    [
      'a site whose name begins like the host',
      { host: 'live.example', origin: 'https://live.example.evil' },
      false,
    ],
    [
      'a site whose name ends like the host',
      { host: 'live.example', origin: 'https://evil-live.example' },
      false,
    ],
    [
      'a site with the host as user name',
      { host: 'live.example', origin: 'https://live.example@evil' },
      false,
    ],
    ['a page of a file', { host: '', origin: 'file://' }, false],
    ['a page of an extension', { host: 'abc', origin: 'chrome-extension://abc' }, false],
    ['an empty host', { host: '', origin: 'https://live.example' }, false],
    ['an invalid host', { host: 'live.example/x', origin: 'https://live.example' }, false],
  ])('answers %s', (_, headers, expected) => {
    expect(isSameOrigin({ host, ...headers })).toBe(expected);
  });

  it('accepts pages of allowed origins only', () => {
    const allowed = [toOrigin('HTTPS://Map.Example:443')!];
    expect(isSameOrigin({ host, origin: 'https://map.example' }, allowed)).toBe(true);
    expect(isSameOrigin({ host, origin: 'http://map.example' }, allowed)).toBe(false);
    expect(isSameOrigin({ host, origin: 'https://map.example:8443' }, allowed)).toBe(false);
  });
});

describe('toOrigin', () => {
  it.each([
    ['https://map.example', 'https://map.example'],
    ['https://map.example/', 'https://map.example'],
    ['http://map.example:8080', 'http://map.example:8080'],
    ['https://map.example/path', undefined],
    ['map.example', undefined],
    ['*', undefined],
    ['https://*.map.example', 'https://*.map.example'],
    ['https://map.example;script-src', undefined],
    ['ws://map.example', undefined],
  ])('converts %s to %s', (text, origin) => {
    expect(toOrigin(text)).toBe(origin);
  });
});
