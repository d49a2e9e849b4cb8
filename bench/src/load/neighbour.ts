import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { Pool } from 'undici';
import { newLatencies, recordMs, recordSince } from '../harness/latencies.js';
import { percentiles, type Experience } from '../harness/report.js';

/*
 * A provider that sends 20 events a second, each in a request, and has a page open, in a process of its own: what the parent
 * does must not delay it. Between the messages `begin` and `end` of the parent it measures, and answers with an `Experience`.
 */

const EVERY_MS = 50;
const DEVICES = 20;
const CONNECTIONS = 16;
const VIEWPORT = { west: 7.4, south: 43.72, east: 7.45, north: 43.76 };

const [ingestUrl = '', realtimeUrl = '', providerId = '', writeToken = '', readToken = ''] =
  process.argv.slice(2);
const pool = new Pool(ingestUrl, { connections: CONNECTIONS });
const devices = Array.from({ length: DEVICES }, () => randomUUID());

let acknowledged = newLatencies();
let frames = newLatencies();
let refused = 0;
let lastFrameAt = performance.now();
let disconnected = false;
let sent = 0;

const socket = io(realtimeUrl, { transports: ['websocket'], auth: { token: readToken } });
socket.on('connect', () => socket.emit('viewport', VIEWPORT));
socket.on('disconnect', () => (disconnected = true));
socket.on('frame', () => {
  recordSince(frames, lastFrameAt);
  lastFrameAt = performance.now();
});

process.on('message', (message) => {
  if (message === 'begin') {
    acknowledged = newLatencies();
    frames = newLatencies();
    refused = 0;
    disconnected = false;
    return;
  }
  // A frame that is overdue counts with the time that has passed.
  recordMs(frames, performance.now() - lastFrameAt);
  const experience: Experience = {
    acknowledged: percentiles(acknowledged),
    refused,
    frameGap: percentiles(frames),
    disconnected,
  };
  process.send?.(experience);
});

const startedAt = performance.now();
for (let index = 0; ; index += 1) {
  const plannedAt = startedAt + index * EVERY_MS;
  await pause(Math.max(0, plannedAt - performance.now()));
  void send().then((isAccepted) => {
    if (!isAccepted) refused += 1;
    recordSince(acknowledged, plannedAt);
  });
}

/** Resolves to whether the event was accepted. */
async function send(): Promise<boolean> {
  sent += 1;
  const event = {
    device_id: devices[sent % DEVICES],
    telemetry_id: randomUUID(),
    provider_id: providerId,
    timestamp: Date.now(),
    location: { lat: 43.73 + Math.random() / 100, lng: 7.42 + Math.random() / 100, heading: 10, speed: 5 },
  };
  try {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/telemetry',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${writeToken}` },
      body: JSON.stringify([event]),
    });
    await body.dump();
    return statusCode === 201;
  } catch {
    // A connection that was closed without a response.
    return false;
  }
}
