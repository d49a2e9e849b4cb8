import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createRangeReader } from '@hailstream/log';
import { startTestBroker } from '@hailstream/log/testing';
import { createLogger } from '@hailstream/service/logging';
import { makeToken } from '@hailstream/service/tokens';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environment, eventually } from './_system.js';

const main = fileURLToPath(new URL('../apps/ingest/dist/main.js', import.meta.url));
const SECRET = 'a secret of the tests, long enough for HS256';
const PROVIDER = '2411d395-04f2-47c9-ab66-d09e9e3c3251';
const WORKERS = 2;
const logger = createLogger({ name: 'system-test', level: 'silent' });

describe('ingest with several workers', () => {
  let broker: Awaited<ReturnType<typeof startTestBroker>>;
  let ingest: Ingest;
  let token: string;

  beforeAll(async () => {
    broker = await startTestBroker();
    await using admin = createAdmin({ connection: connection(), logger });
    await admin.ensureTopics(eventRegistry.topics);
    token = await makeToken(SECRET, { scopes: ['write'], providerId: PROVIDER }, '1h');
    ingest = await Ingest.start(broker.port);
  });
  afterAll(async () => {
    await ingest[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });

  const connection = () => ({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'test' });

  /** Posts a point per request, on this many connections at once. Returns the ids of those that were accepted. */
  async function post(connections: number, each: number): Promise<string[]> {
    const ids = await Promise.all(
      Array.from({ length: connections }, async () => {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const accepted: string[] = [];
        for (let i = 0; i < each; i += 1) {
          const point = telemetry();
          expect(await postOnce(agent, JSON.stringify([point]))).toBe(201);
          accepted.push(point.telemetry_id);
        }
        agent.destroy();
        return accepted;
      }),
    );
    return ids.flat();
  }

  /** Returns the status. */
  function postOnce(agent: Agent, body: string): Promise<number | undefined> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      request(`${ingest.url}/telemetry`, { method: 'POST', agent, headers }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      })
        .once('error', reject)
        .end(body);
    });
  }

  async function idsInLog(): Promise<string[]> {
    await using reader = createRangeReader({ connection: connection(), logger });
    const ranges = [{ topic: telemetryFamily.topic.name, from: 'earliest', to: 'latest' }] as const;
    const ids: string[] = [];
    for await (const { records } of await reader.readRange({ ranges })) {
      for (const { value } of records)
        ids.push((JSON.parse(String(value)) as { telemetry_id: string }).telemetry_id);
    }
    return ids;
  }

  it('shares the connections between them, and counts what all have accepted', async () => {
    const accepted = await post(8, 10);
    expect((await idsInLog()).toSorted()).toEqual(accepted.toSorted());
    const pids = await ingest.workers();
    expect(pids).toHaveLength(WORKERS);
    // Each connection is answered by another worker, with the same numbers.
    for (let scrape = 0; scrape < 4; scrape += 1) {
      const metrics = await ingest.metrics();
      expect(metrics).toContain(
        `ingest_events_total{topic="${telemetryFamily.topic.name}",outcome="written"} ${accepted.length}`,
      );
      expect(metrics).toMatch(
        /http_request_duration_seconds_count\{method="POST",route="\/telemetry",status="201"\} 80\n/,
      );
    }
    for (const pid of pids) expect(ingest.output()).toContain(`"pid":${pid}`);
  });

  it('starts another worker for one that is killed, and continues to accept meanwhile', async () => {
    const [victim] = await ingest.workers();
    process.kill(victim!, 'SIGKILL');
    await eventually('the worker is replaced', async () => {
      const pids = await ingest.workers();
      return pids.length === WORKERS && !pids.includes(victim!);
    });
    const before = new Set(await idsInLog());
    const accepted = await post(4, 5);
    const added = (await idsInLog()).filter((id) => !before.has(id));
    expect(added.toSorted()).toEqual(accepted.toSorted());
    expect(ingest.output()).toContain('worker exited, starting another one');
  });

  it('reports in one line that the port is in use', async () => {
    const second = spawnIngest(broker.port, new URL(ingest.url).port);
    let stderr = '';
    second.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(second, 'close')) as [number];
    expect(code).toBe(1);
    const lines = new Set(stderr.trim().split('\n'));
    expect(lines).toEqual(
      new Set([
        `ingest: cannot listen on 127.0.0.1:${new URL(ingest.url).port}: the port is in use (PORT)`,
        'ingest: a worker exited before it listened',
      ]),
    );
  });

  it('ends its workers when it is killed', async () => {
    await using doomed = await Ingest.start(broker.port);
    const pids = await doomed.workers();
    await doomed.end('SIGKILL');
    await eventually('the workers have exited', () => pids.every((pid) => !isRunning(pid)));
  });

  it('drains on SIGTERM and exits with code 0', async () => {
    const pids = await ingest.workers();
    expect(await ingest.end('SIGTERM')).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
  });
});

/** Ingest with two workers on a free port. */
class Ingest implements AsyncDisposable {
  private text = '';

  private constructor(
    private readonly child: ChildProcess,
    public url = '',
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.text += text));
  }

  static async start(brokerPort: number): Promise<Ingest> {
    const ingest = new Ingest(spawnIngest(brokerPort, '0'));
    await eventually('all workers listen', () => ingest.text.includes('workers are listening'));
    ingest.url = /"url":"([^"]+)"/.exec(ingest.text)?.[1] ?? '';
    await eventually('ingest is ready', async () => (await fetch(`${ingest.url}/health/ready`)).ok);
    return ingest;
  }

  output(): string {
    return this.text;
  }

  /** Process ids of the workers. */
  async workers(): Promise<number[]> {
    const children = await new Promise<string>((resolve) => {
      execFile('ps', ['-A', '-o', 'pid=,ppid='], (_error, stdout) => resolve(stdout));
    });
    return children
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === this.child.pid)
      .map(([pid]) => pid!);
  }

  async metrics(): Promise<string> {
    // A new connection each time, which the next worker receives.
    const response = await fetch(`${this.url}/metrics`, { headers: { connection: 'close' } });
    return await response.text();
  }

  /** The exit code; `null` after SIGKILL. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      await exited;
    }
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}

function spawnIngest(brokerPort: number, port: string): ChildProcess {
  return spawn(process.execPath, [main], {
    env: environment({
      KAFKA_BROKERS: `127.0.0.1:${brokerPort}`,
      AUTH_JWT_SECRET: SECRET,
      INGEST_WORKERS: String(WORKERS),
      HOST: '127.0.0.1',
      PORT: port,
      LOG_LEVEL: 'info',
    }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

function telemetry() {
  return {
    device_id: randomUUID(),
    provider_id: PROVIDER,
    telemetry_id: randomUUID(),
    timestamp: Date.now(),
    trip_ids: null,
    journey_id: null,
    location: { lat: 43.73, lng: 7.42, heading: 271.5, speed: 8.25 },
  };
}
