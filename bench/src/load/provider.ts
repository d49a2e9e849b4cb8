import { Pool } from 'undici';
import { newLatencies, recordSince } from '../harness/latencies.js';
import { percentiles, type Percentiles } from '../harness/report.js';
import { TelemetrySource } from '../harness/telemetry.js';

/*
 * Runs as a separate process: a provider that posts telemetry at a rate, whatever the responses are, and does not wait as long
 * as they ask for. Prints the result as JSON.
 */

/** What a provider does. */
export interface ProviderLoad {
  readonly url: string;
  readonly token: string;
  readonly providerId: string;
  readonly eventsPerRequest: number;
  readonly requestsPerSecond: number;
  readonly connections: number;
  readonly durationMs: number;
}

/** What it was answered. Latencies are from the planned time to the response with 201. */
export interface ProviderResult {
  readonly accepted: number;
  readonly refused: number;
  /** Requests that were not sent, because too many were not answered. */
  readonly unsent: number;
  readonly seconds: number;
  readonly micros: Percentiles;
}

const MAX_IN_FLIGHT = 4_000;

/** Different bodies, so that the generator does not use the processor for them. Their events are accepted again and again. */
const BODIES = 200;

const load = JSON.parse(process.argv[2] ?? '') as ProviderLoad;
process.stdout.write(`${JSON.stringify(await run(load))}\n`);

async function run(load: ProviderLoad): Promise<ProviderResult> {
  const { url, token, requestsPerSecond, connections, durationMs, providerId, eventsPerRequest } = load;
  const source = new TelemetrySource({ providerId });
  const bodies = Array.from({ length: BODIES }, () => JSON.stringify(source.batch(eventsPerRequest)));
  const pool = new Pool(url, { connections });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const latencies = newLatencies();
  const counts = { accepted: 0, refused: 0, unsent: 0 };
  const running = new Set<Promise<void>>();
  let answeredAt: number | undefined;
  const post = async (index: number, plannedAt: number): Promise<void> => {
    const body = bodies[index % bodies.length]!;
    const response = await pool.request({ method: 'POST', path: '/telemetry', headers, body });
    await response.body.dump();
    answeredAt ??= performance.now();
    if (response.statusCode === 201) {
      counts.accepted += 1;
      recordSince(latencies, plannedAt);
    } else if (response.statusCode === 429 || response.statusCode === 503) counts.refused += 1;
    else throw new Error(`posting returned ${response.statusCode}`);
  };
  const startedAt = performance.now();
  const planned = Math.floor((durationMs * requestsPerSecond) / 1_000);
  for (let index = 0; index < planned; index += 1) {
    const plannedAt = startedAt + (index * 1_000) / requestsPerSecond;
    while (performance.now() < plannedAt) await nextTurn(plannedAt);
    if (running.size >= MAX_IN_FLIGHT) {
      counts.unsent += 1;
      continue;
    }
    const operation = post(index, plannedAt).then(() => void running.delete(operation));
    running.add(operation);
  }
  // The rate of the responses: from the first one, which may have waited, until the last request was sent.
  const endedAt = performance.now();
  const seconds = (endedAt - (answeredAt ?? startedAt)) / 1_000;
  const result = { ...counts, seconds };
  await Promise.all(running);
  await pool.close();
  return { ...result, micros: percentiles(latencies) };
}

function nextTurn(untilMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (untilMs - performance.now() > 2) setTimeout(resolve, 1);
    else setImmediate(resolve);
  });
}
