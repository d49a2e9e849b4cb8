import { Controller, Get, Module, Post, Body } from '@nestjs/common';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  AuthModule,
  createHttpApp,
  CurrentPrincipal,
  HealthChecks,
  HealthModule,
  MetricsModule,
  ProblemError,
  RequireScope,
} from '@hailstream/nest';
import { createLogger } from '@hailstream/service/logging';
import { makeToken, type Principal } from '@hailstream/service/tokens';

const SECRET = 'a secret that is long enough for HS256';
const AUTH = { kind: 'secret', secret: SECRET } as const;
const PROVIDER = '0197a1c0-6d1f-7000-8000-00000000abcd';

@Controller()
class ThingsController {
  @Get('broken')
  broken(): never {
    throw new Error('the database password is hunter2');
  }

  @Get('refused')
  refused(): never {
    throw new ProblemError({
      status: 409,
      title: 'Conflict',
      detail: 'it is taken',
      headers: { 'x-why': 'taken' },
    });
  }

  @Post('things')
  @RequireScope('write')
  write(@CurrentPrincipal() principal: Principal, @Body() body: unknown): unknown {
    return { provider: principal.providerId, body };
  }
}

@Module({
  imports: [AuthModule.forRoot(AUTH), HealthModule, MetricsModule],
  controllers: [ThingsController],
})
class ThingsModule {}

describe('createHttpApp', () => {
  let app: NestFastifyApplication;
  let url: string;
  const logged: string[] = [];

  beforeAll(async () => {
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged.push(chunk.toString());
        done();
      },
    });
    app = await createHttpApp(ThingsModule, {
      logger: createLogger({ name: 'things', level: 'info' }, destination),
      auth: AUTH,
      bodyLimitBytes: 1_000,
    });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(() => app.close());

  const write = async (
    init: { body?: string; headers?: Record<string, string>; token?: string } = {},
  ): Promise<Response> =>
    fetch(`${url}/things`, {
      method: 'POST',
      body: '{"a":1}',
      ...init,
      headers: {
        'content-type': 'application/json',
        ...(init.token !== undefined && { authorization: `Bearer ${init.token}` }),
        ...init.headers,
      },
    });

  it('returns 500 without details for an unknown error, and logs it once', async () => {
    const response = await fetch(`${url}/broken`);
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      instance: '/broken',
    });
    expect(logged.filter((line) => line.includes('hunter2'))).toHaveLength(1);
  });

  it('returns the response that a ProblemError defines', async () => {
    const response = await fetch(`${url}/refused`);
    expect(response.status).toBe(409);
    expect(response.headers.get('x-why')).toBe('taken');
    expect(await response.json()).toMatchObject({ title: 'Conflict', detail: 'it is taken' });
  });

  it.each([
    ['an unknown path', 404, () => fetch(`${url}/nowhere`)],
    ['an unsupported method', 405, () => fetch(`${url}/refused`, { method: 'DELETE' })],
    ['a method that browsers do not have', 405, () => fetch(`${url}/refused`, { method: 'QUERY' })],
    ['a URL that cannot be decoded', 400, () => fetch(`${url}/%ff`)],
  ])('returns a problem for %s', async (_, status, send) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(await response.json()).toMatchObject({ status, type: 'about:blank' });
  });

  it.each([
    ['data that is not HTTP', 400, 'HELO there\r\n\r\n'],
    ['headers that are too large', 431, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    [
      'two lengths of one body',
      400,
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
  ])('returns a problem for %s and closes the connection', async (_, status, bytes) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.end(bytes);
    const answer = await text(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain('x-content-type-options: nosniff\r\n');
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({ status, type: 'about:blank' });
  });

  it.each([
    ['a route', '/metrics', {}],
    ['an error of a route', '/broken', {}],
    ['an unknown path', '/nowhere', {}],
    ['an unsupported method', '/refused', { method: 'DELETE' }],
    ['a missing token', '/things', { method: 'POST' }],
    ['a URL that cannot be decoded', '/%ff', {}],
  ])('protects the response of %s from browsers that would interpret it', async (_, path, init) => {
    const { headers } = await fetch(`${url}${path}`, init);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it('lists the supported methods of a path', async () => {
    const response = await fetch(`${url}/refused`, { method: 'DELETE' });
    expect(response.headers.get('allow')).toBe('GET');
  });

  it.each([
    ['malformed JSON', 400, { body: '{"a":' }],
    ['a body that is too large', 413, { body: JSON.stringify('x'.repeat(2_000)) }],
    ['another content type', 415, { body: '<a/>', headers: { 'content-type': 'text/xml' } }],
  ])('returns a problem for %s', async (_, status, init) => {
    const token = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1h');
    const response = await write({ ...init, token });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ status });
  });

  it('passes the principal of a token to the route', async () => {
    const token = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1h');
    const response = await write({ token });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ provider: PROVIDER, body: { a: 1 } });
  });

  it.each([
    ['a missing token', undefined, 'Bearer'],
    [
      'an expired token',
      () => makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1h ago'),
      'invalid_token',
    ],
    ['a token without the scope', () => makeToken(SECRET, { scopes: ['read'] }, '1h'), 'insufficient_scope'],
    [
      'a write token without a provider',
      () => makeToken(SECRET, { scopes: ['write'] }, '1h'),
      'invalid_token',
    ],
    [
      'a token that another secret signed',
      () => makeToken(`${SECRET}!`, { scopes: ['write'], providerId: PROVIDER }, '1h'),
      'invalid_token',
    ],
    ['a malformed token', () => Promise.resolve('abc'), 'invalid_token'],
  ])('returns 401 with a challenge for %s', async (_, makeIt, challenge) => {
    const token = await makeIt?.();
    const response = await write(token === undefined ? {} : { token });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain(challenge);
    expect(await response.json()).toMatchObject({
      title: 'Unauthorized',
      detail: expect.any(String) as string,
    });
  });

  it('reports which readiness check fails', async () => {
    const checks = app.get(HealthChecks);
    checks.register('log', () => {
      throw new Error('no broker answers');
    });
    checks.register('disk', () => undefined);
    const response = await fetch(`${url}/health/ready`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      status: 'error',
      checks: {
        log: { status: 'error', reason: 'no broker answers', since: expect.any(String) as string },
        disk: { status: 'ok' },
      },
    });
    checks.register('log', () => undefined);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('labels metrics by route instead of path', async () => {
    await fetch(`${url}/some-path-nobody-has`);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('process_cpu_seconds_total');
    expect(metrics).toContain(
      'http_request_duration_seconds_count{method="GET",route="/health/live",status="200"} 1',
    );
    expect(metrics).not.toContain('some-path-nobody-has');
  });
});
