import { describe, expect, it } from 'vitest';
import { clientNetwork, isNetwork, TrustedProxies } from './client-address.js';

describe(TrustedProxies, () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00::/8']);

  it.each([
    ['198.51.100.1', '203.0.113.9', '198.51.100.1'],
    ['10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', undefined, '10.1.2.3'],
    ['10.1.2.3', '1.2.3.4, 203.0.113.9', '203.0.113.9'],
    ['10.1.2.3', '1.2.3.4, 203.0.113.9, 192.0.2.7', '203.0.113.9'],
    ['10.1.2.3', ['1.2.3.4', '203.0.113.9'], '203.0.113.9'],
    ['10.1.2.3', '203.0.113.9, unknown', '10.1.2.3'],
    ['10.1.2.3', '203.0.113.9:4711', '203.0.113.9'],
    ['fd00::1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['10.1.2.3', '10.9.9.9', '10.9.9.9'],
  ])('finds the client of a connection from %s that forwards for %j', (remoteAddress, forwarded, client) => {
    const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } };
    expect(proxies.clientOf(request)).toBe(client);
  });

  it('trusts nobody without entries', () => {
    const request = { socket: { remoteAddress: '127.0.0.1' }, headers: { 'x-forwarded-for': '1.2.3.4' } };
    expect(new TrustedProxies([]).clientOf(request)).toBe('127.0.0.1');
  });
});

describe(clientNetwork, () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ])('of %s is %s', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});

describe(isNetwork, () => {
  it('accepts addresses and subnets only', () => {
    const texts = [
      '10.0.0.1',
      '10.0.0.0/8',
      '::1',
      'fd00::/8',
      '10.0.0.0/33',
      '10.0.0/8',
      'proxy',
      '::/129',
      '1.1.1.1/8/8',
    ];
    expect(texts.filter(isNetwork)).toEqual(['10.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8']);
  });
});
