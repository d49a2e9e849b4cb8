import { describe, expect, it } from 'vitest';
import { isLoopbackAuthority, isProtectedUrl } from './loopback.js';

describe('isLoopbackAuthority', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:4001',
    '127.1.2.3:80',
    'localhost',
    'LOCALHOST:4001',
    '[::1]',
    '[::1]:4001',
    '127.1:4001',
  ])('accepts %s', (authority) => {
    expect(isLoopbackAuthority(authority)).toBe(true);
  });

  it.each([
    '',
    'evil.example:4001',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'evil-localhost',
    '127.0.0.1@evil.example',
    'evil.example#@127.0.0.1',
    'evil.example/127.0.0.1',
    'evil.example\\@localhost',
    'localhost, evil.example',
    '0.0.0.0:4001',
    '192.168.1.7:4001',
    '[::ffff:7f00:1',
    '[::2]:4001',
  ])('refuses %s', (authority) => {
    expect(isLoopbackAuthority(authority)).toBe(false);
  });
});

describe('isProtectedUrl', () => {
  it.each([
    ['https://keys.example/jwks', true],
    ['http://127.0.0.1:8080/jwks', true],
    ['http://localhost/jwks', true],
    ['http://[::1]/jwks', true],
    ['http://keys.example/jwks', false],
    ['http://127.0.0.1.keys.example/', false],
    ['ftp://localhost/jwks', false],
  ])('of %s is %s', (url, expected) => {
    expect(isProtectedUrl(new URL(url))).toBe(expected);
  });
});
