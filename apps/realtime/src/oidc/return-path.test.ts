import { describe, expect, it } from 'vitest';
import { toReturnPath } from './return-path.js';

describe(toReturnPath, () => {
  it.each(['/', '/?view=table', '/?at=2026-01-01T00:00:00Z&q=a%20b'])('keeps %j', (path) => {
    expect(toReturnPath(path)).toBe(path);
  });

  it.each([
    ...[
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '\\\\evil.example',
      '/.//evil.example',
    ],
    ...['javascript:alert(1)', ' //evil.example', '/\t/evil.example', '/vehicles', '/sign-in', '?a=1', ''],
    ...['/@evil.example', `/?${'x'.repeat(2_000)}`, undefined, null, 7, ['/?a=1', '/?b=2']],
  ])('replaces %j by the page', (path) => {
    expect(toReturnPath(path)).toBe('/');
  });

  it('drops the fragment, and encodes what could end a header', () => {
    expect(toReturnPath('/?a=1#token=x')).toBe('/?a=1');
    expect(toReturnPath('/?a=1\r\nset-cookie: x')).toMatch(/^\/\?[^\r\n ]+$/);
    // A query is not an address, whatever it looks like.
    expect(toReturnPath('/?//evil.example')).toBe('/?//evil.example');
  });
});
