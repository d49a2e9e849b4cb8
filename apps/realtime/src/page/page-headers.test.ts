import { describe, expect, it } from 'vitest';
import { cacheControl, contentSecurityPolicy } from './page-headers.js';

describe('cacheControl', () => {
  it('caches files with a content hash and revalidates others', () => {
    expect(cacheControl('/page/assets/index-4f3a.js')).toContain('immutable');
    expect(cacheControl('/page/index.html')).toBe('no-cache');
    expect(cacheControl('/page/theme.js')).toBe('no-cache');
  });
});

describe('contentSecurityPolicy', () => {
  it('allows only files of the page', () => {
    const policy = contentSecurityPolicy(null);
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("worker-src 'self' blob:");
    expect(policy).not.toContain('https:');
  });

  it('allows the origins of a configured map style', () => {
    expect(contentSecurityPolicy('http://127.0.0.1:9/style.json')).toContain(
      "img-src 'self' data: blob: https: http://127.0.0.1:9;",
    );
  });
});
