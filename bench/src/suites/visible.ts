import type { ClientToServer, Frame, ServerToClient } from '@hailstream/events/live';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import type { Histogram } from 'hdr-histogram-js';
import { io, type Socket } from 'socket.io-client';
import { newLatencies, recordMs } from '../harness/latencies.js';
import { openLoop } from '../harness/load.js';
import { startBrokerProcess, startHttpProcess, temporaryFolder } from '../harness/processes.js';
import { percentiles, type Row } from '../harness/report.js';
import { TelemetryClient } from '../harness/telemetry-client.js';
import type { Effort, Suite } from '../harness/suite.js';

const EVENTS_PER_SECOND = 200;
const SECRET = 'a secret of this benchmark for loopback';
const WORLD = { west: -180, south: -90, east: 180, north: 90 };

/** Time limit for the last events to be shown after the load. */
const SETTLE_MS = 5_000;

type LiveSocket = Socket<ServerToClient, ClientToServer>;

/** Latency from ingest's response to the frame on a socket that shows the event. */
export const visibleSuite: Suite = {
  name: 'visible',
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the broker, ingest and realtime');
  await using broker = await startBrokerProcess(folder.path);
  const env = { KAFKA_BROKERS: broker.url, AUTH_JWT_SECRET: SECRET };
  const readyPath = '/health/ready';
  await using ingest = await startHttpProcess({ script: 'apps/ingest/dist/main.js', env, readyPath });
  await using realtime = await startHttpProcess({ script: 'apps/realtime/dist/main.js', env, readyPath });
  const token = await makeToken(SECRET, { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }, '1h');
  const socket: LiveSocket = io(realtime.url, {
    transports: ['websocket'],
    auth: { token: await makeToken(SECRET, { scopes: ['read'] }, '1h') },
  });
  try {
    const tickMs = await firstSnapshot(socket);
    say(`${EVENTS_PER_SECOND} events/s, ticks of ${tickMs} ms`);
    await using client = new TelemetryClient(ingest.url, { token, connections: 16 });
    const latencies = await acceptedToVisible(socket, client, effort);
    return [
      {
        kind: 'latency',
        name: 'accepted to visible on a socket',
        note: `${EVENTS_PER_SECOND} events/s, tick ${tickMs} ms`,
        micros: percentiles(latencies),
      },
    ];
  } finally {
    socket.disconnect();
  }
}

function firstSnapshot(socket: LiveSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.once('connect_error', reject);
    socket.once('snapshot', (frame) => {
      resolve(frame.tickMs);
    });
    socket.emit('viewport', WORLD);
  });
}

/** Each point is from a new device, so the first frame with the device shows the point. */
async function acceptedToVisible(
  socket: LiveSocket,
  client: TelemetryClient,
  effort: Effort,
): Promise<Histogram> {
  const latencies = newLatencies();
  const acceptedAt = new Map<string, number>();
  const seenAt = new Map<string, number>();
  socket.on('frame', (frame: Frame) => {
    const now = performance.now();
    for (const [deviceId] of frame.vehicles) {
      if (!seenAt.has(deviceId)) seenAt.set(deviceId, now);
    }
  });
  await openLoop({
    durationMs: effort.roundMs * 2,
    ratePerSecond: EVENTS_PER_SECOND,
    operation: async () => {
      const deviceId = await client.sendFromNewDevice();
      acceptedAt.set(deviceId, performance.now());
    },
  });
  await allSeen(acceptedAt, seenAt);
  for (const [deviceId, accepted] of acceptedAt) {
    const seen = seenAt.get(deviceId) ?? Number.NaN;
    recordMs(latencies, seen - accepted);
  }
  return latencies;
}

async function allSeen(acceptedAt: Map<string, number>, seenAt: Map<string, number>): Promise<void> {
  const giveUpAt = performance.now() + SETTLE_MS;
  const missing = (): number => [...acceptedAt.keys()].filter((id) => !seenAt.has(id)).length;
  while (missing() > 0) {
    if (performance.now() > giveUpAt) throw new Error(`${missing()} accepted events were not shown in time`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
