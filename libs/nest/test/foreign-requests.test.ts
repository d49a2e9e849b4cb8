import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { AuthModule, createHttpApp, HealthModule, MetricsModule } from '@hailstream/nest';
import { createLogger } from '@hailstream/service/logging';
import { Controller, Get, Module, Post } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from 'vitest';

const logger = createLogger({ name: 'test', level: 'silent' });
const SECRET = { kind: 'secret', secret: 'a secret that is long enough for HS256' } as const;
const OPEN = { kind: 'open' } as const;

let paused = 0;

@Controller()
class ThingsController {
  @Get('things')
  read(): string {
    return 'secret things';
  }

  @Post('pause')
  pause(): void {
    paused += 1;
  }
}

@Module({})
class ThingsModule {}

type Auth = typeof SECRET | typeof OPEN;

describe('a request to', () => {
  let app: NestFastifyApplication;
  /** Requests that `direct` has served, and upgrades. */
  const served: string[] = [];

  async function start(auth: Auth): Promise<void> {
    const module = {
      module: ThingsModule,
      imports: [AuthModule.forRoot(auth), HealthModule, MetricsModule],
      controllers: [ThingsController],
    };
    app = await createHttpApp(module, {
      logger,
      auth,
      direct: ({ url }, response) => {
        if (url !== '/direct') return false;
        served.push(url);
        response.end('direct');
        return true;
      },
    });
    app.getHttpServer().on('upgrade', ({ url }: { url: string }, socket: { end(text: string): void }) => {
      served.push(url);
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    });
    await app.listen(0, '127.0.0.1');
  }

  afterEach(async () => {
    served.length = 0;
    paused = 0;
    await app.close();
  });

  /** Sends lines as they are, so that the host is not changed by a client. */
  async function send(...lines: readonly string[]): Promise<string> {
    const socket = connect((app.getHttpServer().address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return text(socket);
  }

  const PATHS = ['/things', '/direct', '/health/ready', '/metrics', '/nothing'];
  const UPGRADE = ['Connection: Upgrade', 'Upgrade: test'];

  it.each(PATHS)('%s with the host of another site is refused without authentication', async (path) => {
    await start(OPEN);
    const answer = await send(`GET ${path} HTTP/1.1`, 'Host: evil.example:4001');
    expect(answer).toMatch(/^HTTP\/1.1 421 Misdirected Request\r\n/);
    expect(answer).toMatch(/x-content-type-options: nosniff/i);
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!)).toMatchObject({
      status: 421,
      detail: expect.stringContaining('the host "evil.example:4001" is not served') as string,
      instance: path,
    });
    expect(served).toEqual([]);
  });

  it('an upgrade with the host of another site is refused without authentication', async () => {
    await start(OPEN);
    const answer = await send('GET /socket HTTP/1.1', 'Host: evil.example', ...UPGRADE);
    expect(answer).toMatch(/^HTTP\/1.1 421 /);
    expect(served).toEqual([]);
    expect(await send('GET /socket HTTP/1.1', 'Host: localhost:4001', ...UPGRADE)).toMatch(/ 101 /);
    expect(served).toEqual(['/socket']);
  });

  it('a path with a body is refused before and after the body', async () => {
    await start(OPEN);
    const headers = ['Host: evil.example', 'Content-Length: 2'];
    expect(await send('POST /pause HTTP/1.1', ...headers, '', '{}')).toMatch(/^HTTP\/1.1 421 /);
    const expecting = await send('POST /pause HTTP/1.1', ...headers, 'Expect: 100-continue');
    expect(expecting).toMatch(/^HTTP\/1.1 421 /);
    expect(paused).toBe(0);
  });

  it.each(['127.0.0.1:4001', 'localhost', '[::1]:80'])('the host %s is served', async (host) => {
    await start(OPEN);
    for (const path of ['/things', '/direct']) {
      const answer = await send(`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close');
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
    }
  });

  it('a service without the header, as from clients of HTTP/1.0, is served', async () => {
    await start(OPEN);
    expect(await send('GET /things HTTP/1.0')).toMatch(/^HTTP\/1.1 200 /);
  });

  it('any host is served with authentication', async () => {
    await start(SECRET);
    const answer = await send('GET /things HTTP/1.1', 'Host: city.example', 'Connection: close');
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  it('change something is refused for pages of other sites, without authentication', async () => {
    await start(OPEN);
    const post = (origin: string) =>
      send('POST /pause HTTP/1.1', 'Host: 127.0.0.1:4004', `Origin: ${origin}`, 'Connection: close');
    expect(await post('https://evil.example')).toMatch(/^HTTP\/1.1 403 /);
    expect(await post('null')).toMatch(/^HTTP\/1.1 403 /);
    expect(paused).toBe(0);
    expect(await post('http://127.0.0.1:4004')).toMatch(/^HTTP\/1.1 201 /);
    expect(paused).toBe(1);
  });
});
