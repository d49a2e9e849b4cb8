import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

describe('loadConfig', () => {
  it('has a default for everything', () => {
    const config = loadConfig({});
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 4001 },
      auth: { kind: 'open' },
      log: { connection: { brokers: ['127.0.0.1:9092'], clientId: 'realtime' }, rebuildMs: 3_600_000 },
      page: { mapStyleUrl: null, mapStyleOrigins: [], frameAncestors: [] },
      tickMs: 500,
    });
    expect(config.page.cityFiles.map((file) => existsSync(file))).toEqual([true]);
    expect(config.page.directory).toMatch(/apps[\\/]dashboard[\\/]dist$/);
  });

  it('names every invalid variable', () => {
    const wrong = { PORT: 'x', REALTIME_TICK_MS: '1', REALTIME_REBUILD_MS: 'soon', MAP_STYLE_URL: 'tiles' };
    const message = (() => {
      try {
        return JSON.stringify(loadConfig(wrong));
      } catch (error) {
        return (error as Error).message;
      }
    })();
    for (const variable of Object.keys(wrong)) expect(message).toContain(`${variable}: expected`);
  });

  it('signs users in with an identity provider only if it is configured', () => {
    const provider = { AUTH_OIDC_ISSUER: 'https://id.example/realms/a', AUTH_OIDC_CLIENT_ID: 'page' };
    const own = { AUTH_JWT_SECRET: 'x'.repeat(32), REALTIME_PUBLIC_URL: 'https://city.example' };
    expect(loadConfig(own)).toMatchObject({ oidc: null, page: { commands: { signInWith: null } } });
    const { oidc, page } = loadConfig({ ...own, ...provider });
    expect(oidc).toEqual({
      issuer: 'https://id.example/realms/a',
      clientId: 'page',
      clientSecret: null,
      scope: 'openid profile',
      redirectUri: 'https://city.example/sign-in/callback',
      signedOutUri: 'https://city.example/',
    });
    expect(page.commands.signInWith).toEqual({ name: 'id.example', url: 'https://city.example/sign-in' });
    const settings = { AUTH_OIDC_CLIENT_SECRET: 'abc', AUTH_OIDC_SCOPE: 'roles', AUTH_ROLE_CLAIM: 'roles' };
    expect(loadConfig({ ...own, ...provider, ...settings }).oidc).toMatchObject({
      clientSecret: 'abc',
      scope: 'openid roles',
      roleClaim: 'roles',
    });
    const local = { AUTH_JWT_SECRET: own.AUTH_JWT_SECRET, AUTH_OIDC_ISSUER: 'http://localhost:8080' };
    expect(loadConfig({ ...provider, ...local }).oidc?.redirectUri).toBe(
      'http://127.0.0.1:4001/sign-in/callback',
    );
    for (const [changes, variable] of [
      [{ AUTH_OIDC_ISSUER: 'http://id.example' }, 'AUTH_OIDC_ISSUER'],
      [{ AUTH_OIDC_ISSUER: 'https://id.example/?a=1' }, 'AUTH_OIDC_ISSUER'],
      [{ AUTH_OIDC_ISSUER: '' }, 'AUTH_OIDC_ISSUER'],
      [{ AUTH_OIDC_CLIENT_ID: '' }, 'AUTH_OIDC_CLIENT_ID'],
      [{ REALTIME_PUBLIC_URL: 'http://city.example' }, 'REALTIME_PUBLIC_URL'],
      [{ AUTH_JWT_SECRET: '' }, 'AUTH_JWT_SECRET'],
    ] as const) {
      expect(() => loadConfig({ ...own, ...provider, ...changes })).toThrow(`${variable}: expected`);
    }
  });

  it('allows pages of the public URL and of listed origins', () => {
    const listed = { REALTIME_ALLOWED_ORIGINS: 'https://Map.example:443,http://b.example:8080/' };
    const { page } = loadConfig({ ...listed, REALTIME_PUBLIC_URL: 'https://city.example/map' });
    expect(page.allowedOrigins).toEqual([
      'https://city.example',
      'https://map.example',
      'http://b.example:8080',
    ]);
    expect(loadConfig({}).page.allowedOrigins).toEqual([]);
    for (const wrong of ['*', 'map.example', 'https://map.example/path']) {
      expect(() => loadConfig({ REALTIME_ALLOWED_ORIGINS: wrong })).toThrow(
        /REALTIME_ALLOWED_ORIGINS: expected/,
      );
    }
  });

  it.each([
    ['MAP_STYLE_ORIGINS', 'mapStyleOrigins'],
    ['REALTIME_FRAME_ANCESTORS', 'frameAncestors'],
  ] as const)('has the origins of %s', (variable, field) => {
    const { page } = loadConfig({ [variable]: 'https://Map.example:443,http://b.example:8080/' });
    expect(page[field]).toEqual(['https://map.example', 'http://b.example:8080']);
    for (const wrong of ['*', "'self'", 'https:', 'https://map.example/path', 'https://a;img-src']) {
      expect(() => loadConfig({ [variable]: wrong })).toThrow(new RegExp(`${variable}: expected`));
    }
  });

  it('listens on other addresses than loopback only with authentication', () => {
    expect(() => loadConfig({ HOST: '0.0.0.0' })).toThrow(/HOST: expected/);
  });
});
