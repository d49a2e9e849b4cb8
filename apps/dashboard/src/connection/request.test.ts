import { afterEach, describe, expect, it, vi } from 'vitest';
import { request } from './request.js';

afterEach(() => vi.unstubAllGlobals());

function answering(status: number, body: object, headers: Record<string, string> = {}): void {
  const problem = { 'content-type': 'application/problem+json; charset=utf-8', ...headers };
  vi.stubGlobal('fetch', () =>
    Promise.resolve(new Response(JSON.stringify(body), { status, headers: problem })),
  );
}

describe('request', () => {
  const send = () => request('/city', { token: null });

  it('is refused without a token, for as long as the service says after too many attempts', async () => {
    answering(401, {});
    expect(await send()).toEqual({ kind: 'refused', waitMs: null });
    answering(429, { code: 'TOO_MANY_FAILURES', detail: 'too many' }, { 'retry-after': '12' });
    expect(await send()).toEqual({ kind: 'refused', waitMs: 12_000 });
  });

  it('fails with the detail of other problems, or the status', async () => {
    answering(429, { detail: 'too many requests wait' }, { 'retry-after': '1' });
    expect(await send()).toEqual({ kind: 'failed', status: 429, reason: 'too many requests wait' });
    answering(500, {});
    expect(await send()).toEqual({ kind: 'failed', status: 500, reason: 'the service answered 500' });
  });
});
