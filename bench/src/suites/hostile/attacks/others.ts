import { randomUUID } from 'node:crypto';
import { refusedWith, type AttackGroup, type Attempt } from '../target/attempt.js';
import { post, RawConnection, send } from '../target/http.js';
import { HOSTILE, point, type Target } from '../target/target.js';

const ITEMS_PER_REQUEST = 1_000;
const SETTLED_WITHIN_MS = 120_000;

const fromSite = (name: string, headers: Readonly<Record<string, string>>): Attempt => ({
  name,
  run: async ({ openIngest }) => {
    const { status } = await post(`${openIngest.url}/telemetry`, [point(HOSTILE)], undefined, headers);
    return refusedWith(status);
  },
});

const socketFromSite: Attempt = {
  name: 'a socket that another web site opens',
  async run({ realtime }) {
    const connection = await RawConnection.open(realtime.url);
    connection.write(
      'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://hostile.example\r\n' +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aG9zdGlsZSBob3N0aWxlIQ==\r\n\r\n',
    );
    await connection.until(({ status, closed }) => status !== 0 || closed, 10_000);
    connection.destroy();
    return connection.status === 0 ? undefined : refusedWith(connection.status);
  },
};

/** Another web site in the browser of a user. */
export const sitesGroup: AttackGroup = {
  name: 'other web sites',
  attempts: () => [
    fromSite('a name that resolves to the loopback address', { host: 'hostile.example' }),
    fromSite('the same with a port', { host: 'hostile.example:4000' }),
    fromSite('a form', { 'content-type': 'text/plain', origin: 'https://hostile.example' }),
    fromSite('a script', { origin: 'https://hostile.example', 'sec-fetch-site': 'cross-site' }),
    socketFromSite,
  ],
};

const vehicles = (count: number): Attempt => ({
  name: `${count.toLocaleString('en-US')} vehicles of one token`,
  async run(target) {
    const token = await target.token({ scopes: ['write'], providerId: HOSTILE });
    for (let sent = 0; sent < count; sent += ITEMS_PER_REQUEST) {
      const items = Array.from({ length: ITEMS_PER_REQUEST }, () =>
        point(HOSTILE, {
          device_id: randomUUID(),
          location: { lat: Math.random() * 100 - 50, lng: Math.random() * 300 - 150, heading: 1, speed: 1 },
        }),
      );
      await post(`${target.ingest.url}/telemetry`, items, token);
    }
    return caughtUp(target);
  },
});

/** Whether realtime has read the whole log within the time limit. */
async function caughtUp(target: Target): Promise<string | undefined> {
  const token = await target.token({ scopes: ['read'] });
  const giveUpAt = performance.now() + SETTLED_WITHIN_MS;
  let last = '';
  while (performance.now() < giveUpAt) {
    const { text } = await send(`${target.realtime.url}/stats`, { token });
    last = text;
    if ((JSON.parse(text) as { lagRecords?: number }).lagRecords! < ITEMS_PER_REQUEST) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return `realtime has not caught up: ${last.slice(0, 200)}`;
}

/** A very large provider. */
export const fleetGroup: AttackGroup = {
  name: 'a large fleet',
  attempts: (isFull) => [vehicles(isFull ? 200_000 : 5_000)],
};
