import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@hailstream/service/ports';
import { INGEST_V8_OPTIONS } from '@hailstream/tools/v8-options';
import { buildGoProgram } from '../../harness/go-programs.js';
import { startHttpProcess, startProgram, treeCpuSeconds } from '../../harness/processes.js';

const START_WITHIN_MS = 20_000;
const START_POLL_MS = 50;

export const PEER_NAME = 'Benthos 4.60';
const peerFolder = fileURLToPath(new URL('../../../reference/benthos', import.meta.url));

/** A server that receives events: ingest, a peer, or a server that discards them. */
export interface IngestSide extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** The topic to which it appends; `undefined` if it discards the events. */
  readonly topic: string | undefined;
  /** User and system time of its processes, in seconds. */
  cpuSeconds(): Promise<number>;
}

export function buildPeer(): Promise<string> {
  return buildGoProgram({ name: 'router-reference', folder: peerFolder });
}

/** Ingest, or a server of its HTTP stack, as a process with these variables. */
export async function startOwn(options: {
  readonly name: string;
  readonly script: string;
  readonly topic: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}): Promise<IngestSide> {
  const { name, script, topic, env } = options;
  const server = await startHttpProcess({
    script,
    env,
    nodeOptions: INGEST_V8_OPTIONS,
    readyPath: '/health/ready',
  });
  return {
    name,
    url: server.url,
    topic,
    cpuSeconds: () => treeCpuSeconds(server.pid),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The Benthos engine, which unpacks requests and appends their events with franz-go. */
export async function startPeer(options: {
  readonly broker: string;
  readonly topic: string;
}): Promise<IngestSide> {
  const { broker, topic } = options;
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const program = startProgram({
    command: await buildPeer(),
    args: [join(peerFolder, 'jobs', 'ingest.yaml')],
    env: { ADDRESS: address, BROKER: broker, TOPIC: topic },
  });
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!(await responds(url))) {
    if (performance.now() > giveUpAt) {
      await program[Symbol.asyncDispose]();
      throw new Error(`${PEER_NAME} did not start:\n${program.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
  }
  return {
    name: PEER_NAME,
    url,
    topic,
    cpuSeconds: () => treeCpuSeconds(program.pid),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Whether a server responds, with any status. */
async function responds(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return true;
  } catch {
    // Not listening yet; retried until START_WITHIN_MS have passed.
    return false;
  }
}
