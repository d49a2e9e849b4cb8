import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, listenProblem } from './ports.js';

const HOST = '127.0.0.1';

describe('freePort', () => {
  it('returns a port that can be listened on', async () => {
    const server = createServer().listen(await freePort(HOST), HOST);
    await once(server, 'listening');
    expect(server.listening).toBe(true);
    server.close();
  });

  it('returns no excluded port', async () => {
    const excluded = Array.from({ length: 12_000 }, (_, index) => 20_000 + index);
    await expect(freePort(HOST, excluded)).rejects.toThrow('no free port on 127.0.0.1 in 200 tries');
  });
});

describe('listenProblem', () => {
  it('reports a port in use', async () => {
    const server = createServer().listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    expect(await listenProblem(port, HOST)).toBe('the port is in use');
    server.close();
    await once(server, 'close');
    expect(await listenProblem(port, HOST)).toBeUndefined();
  });

  it('reports a host that this machine does not have', async () => {
    expect(await listenProblem(0, '192.0.2.1')).toBe('EADDRNOTAVAIL');
  });
});
