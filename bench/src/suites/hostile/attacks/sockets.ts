import { io, type Socket } from 'socket.io-client';
import { residentMiB } from '../../../harness/processes.js';
import type { AttackGroup, Attempt } from '../target/attempt.js';
import { RawConnection } from '../target/http.js';
import { HOSTILE, NEIGHBOUR, type Target } from '../target/target.js';

const CONNECTED_WITHIN_MS = 30_000;
const MAX_GROWTH_MIB = 256;
const WORLD = { west: -180, south: -90, east: 180, north: 90 };
const ROUNDS_OF_NONSENSE = 2_000;

function open(target: Target, token: string | undefined): Socket {
  return io(target.realtime.url, {
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
    ...(token !== undefined && { auth: { token } }),
  });
}

/** Resolves to whether the socket is connected; it may be refused. */
function connected(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.connected) return resolve(true);
    const timer = setTimeout(() => resolve(false), CONNECTED_WITHIN_MS);
    const settle = (isConnected: boolean) => () => {
      clearTimeout(timer);
      resolve(isConnected);
    };
    socket.once('connect', settle(true));
    socket.once('connect_error', settle(false));
  });
}

/** Whether the page of another provider, and that of an operator, can be opened. */
async function othersConnect(target: Target): Promise<string | undefined> {
  for (const claims of [{ providerId: NEIGHBOUR }, {}]) {
    const socket = open(target, await target.token({ scopes: ['read'], ...claims }));
    const isConnected = await connected(socket);
    socket.close();
    if (!isConnected) return 'the page of another principal cannot be opened';
  }
  return undefined;
}

const allPlaces = (name: string, count: number, tokens: number): Attempt => ({
  name: `${count} sockets with ${name}`,
  async run(target) {
    const made = await Promise.all(
      Array.from({ length: tokens }, (_, index) =>
        target.token({ scopes: ['read'], providerId: HOSTILE, name: `hostile ${index}` }),
      ),
    );
    const sockets = Array.from({ length: count }, (_, index) => open(target, made[index % tokens]));
    await Promise.all(sockets.map(connected));
    for (const [index, socket] of sockets.entries())
      socket.emit('viewport', { west: index / 100, south: 0, east: index / 100 + 1, north: 1 });
    const problem = await othersConnect(target);
    for (const socket of sockets) socket.close();
    return problem;
  },
});

const withoutToken = (count: number): Attempt => ({
  name: `${count} sockets that do not authenticate`,
  async run(target) {
    const upgrade =
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aG9zdGlsZSBob3N0aWxlIQ==\r\n\r\n';
    const connections = await Promise.all(
      Array.from({ length: count }, () => RawConnection.open(target.realtime.url)),
    );
    for (const connection of connections) connection.write(upgrade);
    const problem = await othersConnect(target);
    for (const connection of connections) connection.destroy();
    return problem;
  },
});

const neverReads: Attempt = {
  name: 'twenty clients that ask for the world and never read',
  async run(target) {
    const before = await residentMiB(target.realtime.pid);
    const token = await target.token({ scopes: ['read'], providerId: NEIGHBOUR });
    const sockets = Array.from({ length: 20 }, () => open(target, token));
    await Promise.all(sockets.map(connected));
    for (const socket of sockets) {
      socket.emit('viewport', WORLD);
      (socket.io.engine.transport as unknown as { ws: { _socket: { pause(): void } } }).ws._socket.pause();
    }
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const growth = (await residentMiB(target.realtime.pid)) - before;
    const problem = await othersConnect(target);
    for (const socket of sockets) socket.close();
    return problem ?? (growth > MAX_GROWTH_MIB ? `${Math.round(growth)} MiB of memory` : undefined);
  },
};

const nonsense: Attempt = {
  name: 'messages that no page sends',
  async run(target) {
    const socket = open(target, await target.token({ scopes: ['read'], providerId: HOSTILE }));
    await connected(socket);
    const payloads = [
      undefined,
      null,
      1,
      'x',
      [],
      {},
      { west: 'a' },
      { west: Number.NaN, south: Number.POSITIVE_INFINITY },
      { ...WORLD, west: 200 },
      [[[]]],
      'x'.repeat(50_000),
    ];
    for (let round = 0; round < ROUNDS_OF_NONSENSE; round += 1) {
      const payload = payloads[round % payloads.length];
      for (const name of ['viewport', 'watch', 'follow', 'seek', 'history', '__proto__', 'constructor'])
        socket.emit(name, payload);
    }
    socket.emit('viewport', 'x'.repeat(5_000_000));
    const problem = await othersConnect(target);
    socket.close();
    return problem;
  },
};

/** Sockets of the page. */
export const socketsGroup: AttackGroup = {
  name: 'sockets',
  attempts: (isFull) => [
    allPlaces('one token', isFull ? 1_500 : 100, 1),
    allPlaces('tokens of one provider', isFull ? 5_500 : 100, 20),
    withoutToken(isFull ? 1_000 : 100),
    neverReads,
    nonsense,
  ],
};
