import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import type { LiveFrame } from '@hailstream/events/live';
import { LiveFrameDecoder } from '@hailstream/events/live-binary';
import { WebSocket } from 'ws';
import { cpuSeconds, startHttpProcess, startScript, type SystemProcess } from '../../harness/processes.js';

export const SOCKETS = 500;
export const TICK_MS = 50;

/** The first round includes the start of the JIT compiler and of all clients. */
const READY_WITHIN_MS = 60_000;

/** What one side has sent to all sockets. */
export interface FanOut {
  readonly framesPerSecond: number;
  readonly bytesPerSecond: number;
  /** Frames per second of processor time of the sending process. */
  readonly framesPerCpuSecond: number;
}

/** Measures what a process sends to clients of a kind. */
export async function measureFanOut(
  server: Pick<SystemProcess, 'url' | 'pid'>,
  { kind, sockets, durationMs }: { kind: string; sockets: number; durationMs: number },
): Promise<FanOut> {
  const url = server.url.replace('http', 'ws');
  const args = [kind, url, String(sockets), String(durationMs)];
  await using clients = startScript('bench/dist/load/subscribers.js', args, {});
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (!clients.output().includes('ready')) {
    if (performance.now() > giveUpAt) throw new Error(`no frames arrive at ${url}:\n${clients.output()}`);
    await pause(10);
  }
  const [cpuBefore, startedAt] = [await cpuSeconds(server.pid), performance.now()];
  await clients.exited;
  const cpu = (await cpuSeconds(server.pid)) - cpuBefore;
  const seconds = (performance.now() - startedAt) / 1_000;
  const received = JSON.parse(clients.output().split('ready\n')[1] ?? '') as {
    messages: number;
    bytes: number;
  };
  return {
    framesPerSecond: received.messages / seconds,
    bytesPerSecond: received.bytes / seconds,
    framesPerCpuSecond: received.messages / cpu,
  };
}

/** A frame of the service as a plain server sends it. */
export interface Recorded {
  readonly isBinary: boolean;
  /** Text, or bytes in base64. */
  readonly data: string;
  readonly vehicles: number;
}

/** Records the frames of a client of the service. */
export async function recordFrames(
  url: string,
  { binary, count }: { binary: boolean; count: number },
): Promise<Recorded[]> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  const frames: Recorded[] = [];
  const decoder = new LiveFrameDecoder();
  const done = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer, isBinary) => {
      const text = isBinary ? '' : data.toString();
      if (text.startsWith('0')) socket.send(`40${JSON.stringify(binary ? { binary: 1 } : {})}`);
      if (text.startsWith('40')) {
        socket.send('42["viewport",{"west":-180,"south":-90,"east":180,"north":90}]');
      }
      if (isBinary) {
        const { whole, frame } = decoder.decode(data);
        if (!whole) frames.push({ isBinary, data: data.toString('base64'), vehicles: frame.vehicles.length });
      } else if (text.startsWith('42["frame"')) {
        const [, frame] = JSON.parse(text.slice(2)) as [string, LiveFrame];
        frames.push({ isBinary, data: text, vehicles: frame.vehicles.length });
      }
      if (frames.length >= count) resolve();
    });
  });
  await done;
  socket.close();
  return frames;
}

/** A plain WebSocket server that sends the recorded frames. */
export async function startPlainServer(folder: string, frames: readonly Recorded[]): Promise<SystemProcess> {
  const file = join(folder, `frames-${frames[0]?.isBinary === true ? 'binary' : 'json'}.json`);
  await writeFile(file, JSON.stringify(frames));
  return startHttpProcess({
    script: 'bench/dist/reference/fan-out-server.js',
    args: [file, String(TICK_MS)],
    env: {},
    readyPath: '/',
  });
}

/** Bytes per vehicle, of the frames as they are and of each frame compressed on its own. */
export function bytesPerVehicle(frames: readonly Recorded[]): { plain: number; compressed: number } {
  let [plain, compressed, count] = [0, 0, 0];
  for (const { isBinary, data, vehicles } of frames) {
    const bytes = Buffer.from(data, isBinary ? 'base64' : 'utf8');
    plain += bytes.length;
    compressed += deflateRawSync(bytes).length;
    count += vehicles;
  }
  return { plain: plain / count, compressed: compressed / count };
}
