import { parentPort, workerData } from 'node:worker_threads';
import { createRangeReader } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import type { ToWorker, WorkerOptions } from '../history/worker-protocol.js';
import { MomentServer } from './moment-server.js';

/** Maximum time that a partition may fail until the session ends with LOG_UNREACHABLE. */
const STALL_TIMEOUT_MS = 10_000;

const { connection, logLevel, vehicles } = workerData as WorkerOptions;
const logger = createLogger({ name: 'realtime', level: logLevel }).child({ component: 'history' });
const reader = createRangeReader({ connection, logger, stallTimeoutMs: STALL_TIMEOUT_MS });
const server = new MomentServer(reader, vehicles, (message) => parentPort?.postMessage(message));

parentPort?.on('message', (message: ToWorker) => void server.receive(message));
