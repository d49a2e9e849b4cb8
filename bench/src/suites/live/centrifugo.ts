import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '@hailstream/service/ports';
import { Pool } from 'undici';
import { installGoProgram } from '../../harness/go-programs.js';
import { startProgram } from '../../harness/processes.js';
import { TICK_MS, type Recorded } from './fan-out.js';

const MODULE = { path: 'github.com/centrifugal/centrifugo/v6', version: 'v6.9.1' } as const;

export const CENTRIFUGO_NAME = 'Centrifugo 6.9';

const START_WITHIN_MS = 20_000;

/** A running server that publishes the recorded frames in a channel, one per tick. */
interface PublishingServer extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export function installCentrifugo(): Promise<string> {
  return installGoProgram(MODULE);
}

export async function startCentrifugo(
  program: string,
  folder: string,
  frames: readonly Recorded[],
): Promise<PublishingServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, 'centrifugo.json');
  await writeFile(
    file,
    JSON.stringify({
      http_server: { address: '127.0.0.1', port: String(port) },
      client: { insecure: true, allowed_origins: ['*'] },
      http_api: { insecure: true },
      channel: { without_namespace: { allow_subscribe_for_client: true } },
      log: { level: 'warn' },
    }),
  );
  const server = startProgram({ command: program, args: ['--config', file], env: {} });
  const pool = new Pool(url, { connections: 2 });
  const publish = async (frame: Recorded): Promise<boolean> => {
    // The JSON of a frame, without the envelope of socket.io.
    const data = frame.data.slice('42["frame",'.length, -1);
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/api/publish',
      headers: { 'content-type': 'application/json' },
      body: `{"channel":"room","data":${data}}`,
    });
    await body.dump();
    return statusCode === 200;
  };
  const giveUpAt = performance.now() + START_WITHIN_MS;
  while (!(await publish(frames[0]!).catch(() => false))) {
    if (performance.now() > giveUpAt) throw new Error(`Centrifugo did not start:\n${server.output()}`);
    await pause(50);
  }
  let next = 0;
  let failure: Error | null = null;
  const timer = setInterval(() => {
    publish(frames[next++ % frames.length]!).catch((error: Error) => (failure ??= error));
  }, TICK_MS);
  return {
    url,
    pid: server.pid,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await pool.close();
      await server[Symbol.asyncDispose]();
      if (failure !== null) throw failure;
    },
  };
}
