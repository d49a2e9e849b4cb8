import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Body, Controller, Get, Module, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AuthModule, createHttpApp, RequireScope } from '@hailstream/nest';
import { createLogger } from '@hailstream/service/logging';
import { until } from '@hailstream/service/testing';
import { makeToken } from '@hailstream/service/tokens';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../src/http/connections.js';

const SECRET = 'a secret that is long enough for HS256';
const AUTH = { kind: 'secret', secret: SECRET } as const;
const MEBIBYTE = 1_048_576;
const LIMIT = 64 * 1_024;

/** Requests to `GET /slow` that are not answered yet. */
const running: ((answer: string) => void)[] = [];

@Controller()
class ThingsController {
  @Post('things')
  @RequireScope('write')
  write(@Body() body: unknown): unknown {
    return body;
  }

  @Get('slow')
  slow(): Promise<string> {
    return new Promise((resolve) => running.push(resolve));
  }

  @Get('quick')
  quick(): string {
    return 'quick';
  }
}

@Module({
  imports: [AuthModule.forRoot(AUTH)],
  controllers: [ThingsController],
})
class ThingsModule {}

let app: NestFastifyApplication;
let port: number;
let token: string;

beforeEach(async () => {
  const logger = createLogger({ name: 'test', level: 'silent' });
  app = await createHttpApp(ThingsModule, { logger, auth: AUTH, bodyLimitBytes: LIMIT });
  await app.listen(0, '127.0.0.1');
  port = (app.getHttpServer().address() as AddressInfo).port;
  const provider = '0197a1c0-6d1f-7000-8000-00000000abcd';
  token = await makeToken(SECRET, { scopes: ['write'], providerId: provider }, '1h');
});

afterEach(async () => {
  for (const answer of running.splice(0)) answer('');
  await app.close();
});

/** A connection and the data received on it. */
class Caller {
  received = '';
  readonly closed: Promise<unknown>;

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.received += `[${error.code}]`));
    this.closed = once(socket, 'close');
  }

  static async connect(to: number = port): Promise<Caller> {
    const socket = connect({ port: to, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new Caller(socket);
  }

  /** Waits until the received data matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) await once(this.socket, 'data');
  }

  /** Writes the whole request before it reads, as many clients do. */
  async writeAll(text: string): Promise<void> {
    this.socket.pause();
    await new Promise<void>((resolve) => this.socket.write(text, () => resolve()));
    this.socket.resume();
  }
}

function post(headers: readonly string[], version = '1.1', path = '/things'): string {
  return [`POST ${path} HTTP/${version}`, 'Host: x', ...headers, '', ''].join('\r\n');
}

const json = 'Content-Type: application/json';

describe('a body', () => {
  it.each([
    ['without a token', () => [json], 401],
    ['with an invalid token', () => [json, 'Authorization: Bearer abc'], 401],
    [
      'that is too large',
      () => [json, `Authorization: Bearer ${token}`, `Content-Length: ${LIMIT + 1}`],
      413,
    ],
  ])('%s is rejected before it arrives', async (_, headers, status) => {
    const caller = await Caller.connect();
    const length = headers().some((header) => header.startsWith('Content-Length'))
      ? []
      : ['Content-Length: 1000'];
    caller.socket.write(post([...headers(), ...length]));
    await caller.until(/\r\n\r\n\{.*\}/s);
    expect(caller.received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    caller.socket.destroy();
  });

  it.each([
    ['without a token', '/things', () => [json], 401],
    ['for a path that does not exist', '/nothing', () => [json], 404],
    ['for an unsupported method', '/quick', () => [json], 405],
    ['that is too large', '/things', () => [json, `Authorization: Bearer ${token}`], 413],
  ])('%s is rejected without 100 Continue', async (_, path, headers, status) => {
    const caller = await Caller.connect();
    caller.socket.write(post([...headers(), 'Content-Length: 70000', 'Expect: 100-continue'], '1.1', path));
    await caller.until(/\r\n\r\n\{.*\}/s);
    expect(caller.received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(caller.received).toMatch(/connection: close/i);
    caller.socket.end();
    await caller.closed;
  });

  it('gets 100 Continue after the token was verified', async () => {
    const caller = await Caller.connect();
    caller.socket.write(
      post([json, `Authorization: Bearer ${token}`, 'Content-Length: 7', 'Expect: 100-continue']),
    );
    await caller.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    caller.socket.write('{"a":1}');
    await caller.until(/HTTP\/1.1 201 .*\{"a":1\}/s);
    expect(caller.received.match(/HTTP/g)).toHaveLength(2);
    caller.socket.destroy();
  });

  const large = 'x'.repeat(16 * MEBIBYTE);
  const chunk = 'x'.repeat(0xffff);
  const chunked = `${`ffff\r\n${chunk}\r\n`.repeat(256)}0\r\n\r\n`;
  const authorized = (): string => `Authorization: Bearer ${token}`;
  it.each([
    ['too large', 413, () => post([json, authorized(), `Content-Length: ${large.length}`]) + large],
    ['too large, in chunks', 413, () => post([json, authorized(), 'Transfer-Encoding: chunked']) + chunked],
    [
      'too large, HTTP/1.0',
      413,
      () => post([json, authorized(), `Content-Length: ${large.length}`], '1.0') + large,
    ],
    ['without a token', 401, () => post([json, `Content-Length: ${large.length}`]) + large],
    ['without a token, in chunks', 401, () => post([json, 'Transfer-Encoding: chunked']) + chunked],
    [
      'without a token, to be closed',
      401,
      () => post([json, 'Connection: close', 'Transfer-Encoding: chunked']) + chunked,
    ],
    [
      'of another type, in chunks',
      415,
      () => post(['Content-Type: text/xml', authorized(), 'Transfer-Encoding: chunked']) + chunked,
    ],
    [
      'for no path, in chunks',
      404,
      () => post([json, 'Transfer-Encoding: chunked'], '1.1', '/nothing') + chunked,
    ],
  ])(
    '%s gets its response although it was sent completely before reading: %i',
    async (_, status, request) => {
      const caller = await Caller.connect();
      await caller.writeAll(request());
      caller.socket.end();
      await caller.closed;
      expect(caller.received).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      const [, body = ''] = caller.received.split('\r\n\r\n');
      expect(JSON.parse(body)).toMatchObject({ status });
    },
  );

  it('that is rejected and small keeps the connection open', async () => {
    const caller = await Caller.connect();
    caller.socket.write(`${post([json, 'Content-Length: 1000'])}${'x'.repeat(1_000)}`);
    await caller.until(/401 .*\}/s);
    caller.socket.write('GET /quick HTTP/1.1\r\nHost: x\r\n\r\n');
    await caller.until(/HTTP\/1.1 200 .*quick/s);
    expect(caller.received.match(/HTTP/g)).toHaveLength(2);
    caller.socket.destroy();
  });
});

describe('the rest of a request that was answered', () => {
  const tell = async (head: readonly string[]): Promise<{ caller: Caller; request: IncomingMessage }> => {
    const caller = await Caller.connect();
    caller.socket.setNoDelay();
    const requests = once(app.getHttpServer() as Server, 'request');
    caller.socket.write(post([json, ...head]));
    const [request] = (await requests) as [IncomingMessage];
    await caller.until(/401 .*\}/s);
    return { caller, request };
  };

  it('is not parsed if the connection is closed', async () => {
    const { caller, request } = await tell(['Transfer-Encoding: chunked']);
    caller.socket.end(`${'1\r\nx\r\n'.repeat(100_000)}0\r\n\r\n`);
    await caller.closed;
    expect(caller.received).toMatch(/connection: close/i);
    expect(caller.received).not.toContain('[');
    expect(request.complete).toBe(false);
  });

  it.each([
    ['in chunks', 'Transfer-Encoding: chunked'],
    ['with a length', 'Content-Length: 1000000'],
  ])('is not read any longer if it arrives byte by byte, %s', async (_, length) => {
    const { caller, request } = await tell([length]);
    const { socket } = request;
    const closed = once(socket, 'close');
    const before = socket.bytesRead;
    while (!socket.destroyed && socket.bytesRead - before < 20_000) {
      caller.socket.write('1');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([closed, caller.closed]);
    expect(socket.bytesRead - before).toBeLessThan(2_000);
  });
});

describe('a sender', () => {
  it('has time limits for headers, for a request, and without traffic', () => {
    const { headersTimeout, requestTimeout, timeout } = app.getHttpServer() as Server;
    expect({ headersTimeout, requestTimeout, timeout }).toEqual({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      timeout: 60_000,
    });
  });
});

describe('bodies that do not arrive', () => {
  it.each([
    ['with a length', `Content-Length: ${LIMIT}`],
    ['in chunks', 'Transfer-Encoding: chunked'],
  ])('%s use bounded memory, and make room for others', async (_, length) => {
    const head = post([json, `Authorization: Bearer ${token}`, length]);
    // Of one address, 16 MiB.
    const callers = await Promise.all(Array.from({ length: 256 }, () => Caller.connect()));
    for (const { socket } of callers) socket.write(`${head}fff0\r\n[`);
    const write = async (): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${port}/things`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"a":1}',
      });
      return response.status;
    };
    const refused = (): Caller[] => callers.filter(({ received }) => received.startsWith('HTTP/1.1 408 '));
    await until(async () => (await write()) === 201 && refused().length > 0);
    expect(refused()[0]!.received).toMatch(/connection: close.*"the body did not arrive while/is);
    for (const { socket } of callers) socket.destroy();
  });
});

describe('closing', () => {
  it.each([
    ['without data', ''],
    ['with incomplete headers', 'GET /quick HTTP/1.1\r\nHost: x\r\nX-Half'],
    ['that is idle after a request', 'GET /quick HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('does not wait for a connection %s', async (_, sent) => {
    const caller = await Caller.connect();
    caller.socket.write(sent);
    if (sent.endsWith('\r\n\r\n')) await caller.until(/quick/);
    // Another connection is served after this one was accepted and read.
    await fetch(`http://127.0.0.1:${port}/quick`);
    await Promise.all([app.close(), caller.closed]);
    expect(caller.socket.destroyed).toBe(true);
  });

  it('completes a running request and closes its connection', async () => {
    const caller = await Caller.connect();
    caller.socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => running.length).toBe(1);
    const idle = await Caller.connect();
    const closed = app.close();
    await idle.closed;
    running.splice(0).forEach((answer) => answer('finished'));
    await closed;
    await caller.until(/finished/);
    expect(caller.received).toMatch(/^HTTP\/1.1 200 .*connection: close/is);
    await caller.closed;
  });
});

describe(Connections, () => {
  let server: Server;
  let respond: () => void;

  beforeEach(async () => {
    server = createServer((_request, response) => {
      respond = () => response.end('done');
    });
    new Connections(server, { graces: { runningRequestMs: 200, arrivingRequestMs: 50 } });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

  it('closes the connection of a request whose body does not arrive', async () => {
    const caller = await Caller.connect();
    caller.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf');
    await once(server, 'request');
    await Promise.all([close(), caller.closed]);
    expect(caller.received).not.toContain('200');
  });

  it('closes the connection of a request that exceeds the grace period', async () => {
    const caller = await Caller.connect();
    caller.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    await Promise.all([close(), caller.closed]);
    expect(caller.received).not.toContain('200');
  });

  it('closes an upgraded connection after the grace period', async () => {
    server.on('upgrade', (_request, socket: Socket) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    );
    const caller = await Caller.connect();
    caller.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await caller.until(/101/);
    await Promise.all([close(), caller.closed]);
    expect(caller.received).not.toContain('200');
  });

  it('closes the connection after the response of a request that was running', async () => {
    const caller = await Caller.connect();
    caller.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(server, 'request');
    const closed = close();
    respond();
    await caller.until(/done/);
    await Promise.all([closed, caller.closed]);
    expect(caller.received).toMatch(/connection: close/i);
  });
});
