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
  const none = { mapStyleUrl: null, mapStyleOrigins: [], frameAncestors: [] };

  it('allows only files of the page, and no frame', () => {
    const policy = contentSecurityPolicy(none);
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("worker-src 'self' blob:");
    expect(policy).toMatch(/; frame-ancestors 'none'$/);
    expect(policy).not.toMatch(/https?:/);
  });

  it('allows the origin of a map style and those that are listed, each once, and no others', () => {
    const policy = contentSecurityPolicy({
      ...none,
      mapStyleUrl: 'http://127.0.0.1:9/style.json?key=secret',
      mapStyleOrigins: ['https://tiles.example', 'http://127.0.0.1:9'],
    });
    expect(policy).toContain("img-src 'self' data: blob: http://127.0.0.1:9 https://tiles.example;");
    expect(policy).toContain("connect-src 'self' http://127.0.0.1:9 https://tiles.example;");
    expect(policy).toContain("font-src 'self';");
    expect(policy).not.toMatch(/https:[ ;]|secret/);
  });

  it('allows listed origins only with a map style', () => {
    const policy = contentSecurityPolicy({ ...none, mapStyleOrigins: ['https://tiles.example'] });
    expect(policy).not.toContain('tiles.example');
  });

  it('allows frames of listed origins', () => {
    const frameAncestors = ['https://city.example', 'https://*.news.example'];
    expect(contentSecurityPolicy({ ...none, frameAncestors })).toMatch(
      /; frame-ancestors https:\/\/city\.example https:\/\/\*\.news\.example$/,
    );
  });
});
