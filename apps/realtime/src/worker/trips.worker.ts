import { parentPort, workerData } from 'node:worker_threads';
import { createRangeReader } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { WorkerOptions } from '../history/worker-protocol.js';
import type { CallOf } from '../threads/thread-calls.js';
import type { TripCalls } from '../trips/trip-calls.js';
import { TripServer } from './trip-server.js';

/** Maximum time that a partition may fail until a request fails. */
const STALL_TIMEOUT_MS = 8_000;

const { connection, logLevel } = workerData as WorkerOptions;
const logger = createLogger({ name: 'realtime', level: logLevel }).child({ component: 'trips' });
const reader = createRangeReader({ connection, logger, stallTimeoutMs: STALL_TIMEOUT_MS });
const server = new TripServer(reader, (message) => parentPort?.postMessage(message));

parentPort?.on('message', (call: CallOf<TripCalls>) => void server.receive(call));
