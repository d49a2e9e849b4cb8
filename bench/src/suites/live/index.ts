import { startBrokerProcess, startHttpProcess, temporaryFolder } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { comparison, sideResult } from '../../harness/rounds.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { CENTRIFUGO_NAME, installCentrifugo, startCentrifugo } from './centrifugo.js';
import { driveFleet } from './driven-fleet.js';
import {
  bytesPerVehicle,
  measureFanOut,
  recordFrames,
  SOCKETS,
  startPlainServer,
  TICK_MS,
  type FanOut,
} from './fan-out.js';
import { measureDrawn, measureMainThread, measureMemory } from './page.js';
import { measureReconnection } from './reconnection.js';

/** Vehicles, each of which moves once a second. */
const VEHICLES = 1_000;

/** Frames that the references repeat. */
const RECORDED_FRAMES = 60;

/** The size of frames is measured with the default tick, of so many frames. */
const USUAL_TICK_MS = 500;
const MEASURED_FRAMES = 8;

/** Frames to 500 sockets against plain `ws` and Centrifugo, the size of frames, 1,000 clients that reconnect, and a page with many vehicles. */
export const liveSuite: Suite = {
  name: 'live',
  prepare: async () => {
    await installCentrifugo();
  },
  run: measure,
};

/** The jobs, in the order in which they run. */
const jobs = {
  'fan-out': measureAllFanOut,
  reconnection: measureReconnection,
  'main thread': measureMainThread,
  'accepted to drawn': measureDrawn,
  memory: measureMemory,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, job] of Object.entries(jobs)) {
    // Ten minutes: only if it is selected.
    const isSelected = effort.job === undefined ? job !== measureMemory : name.includes(effort.job);
    if (isSelected) rows.push(...(await job(effort, say)));
  }
  return rows;
}

async function measureAllFanOut(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  const program = await installCentrifugo();
  await using folder = await temporaryFolder();
  say('starting the broker and realtime');
  await using broker = await startBrokerProcess(folder.path);
  const env = { KAFKA_BROKERS: broker.url, REALTIME_TICK_MS: `${TICK_MS}ms` };
  await using realtime = await startHttpProcess({
    script: 'apps/realtime/dist/main.js',
    env,
    readyPath: '/health/ready',
  });
  await using slow = await startHttpProcess({
    script: 'apps/realtime/dist/main.js',
    env: { KAFKA_BROKERS: broker.url, REALTIME_TICK_MS: `${USUAL_TICK_MS}ms` },
    readyPath: '/health/ready',
  });
  await using _fleet = driveFleet(broker.url, { vehicles: VEHICLES });
  const sizes = [];
  for (const binary of [false, true]) {
    sizes.push(bytesPerVehicle(await recordFrames(slow.url, { binary, count: MEASURED_FRAMES })));
  }
  await slow[Symbol.asyncDispose]();
  const json = await recordFrames(realtime.url, { binary: false, count: RECORDED_FRAMES });
  const binary = await recordFrames(realtime.url, { binary: true, count: RECORDED_FRAMES });
  await using plainJson = await startPlainServer(folder.path, json);
  await using plainBinary = await startPlainServer(folder.path, binary);
  await using centrifugo = await startCentrifugo(program, folder.path, json);
  const sides = [
    { name: 'JSON', server: realtime, kind: 'socket.io-json' },
    { name: 'binary', server: realtime, kind: 'socket.io-binary' },
    { name: 'ws, JSON', server: plainJson, kind: 'ws' },
    { name: 'ws, binary', server: plainBinary, kind: 'ws' },
    { name: CENTRIFUGO_NAME, server: centrifugo, kind: 'centrifugo' },
  ];
  const results = new Map<string, FanOut[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round <= effort.rounds; round += 1) {
    for (const { name, server, kind } of sides) {
      const figures = await measureFanOut(server, { kind, sockets: SOCKETS, durationMs: effort.roundMs });
      say(
        `${name}: ${Math.round(figures.framesPerSecond)} frames/s, ${Math.round(figures.framesPerCpuSecond)} per second of processor time`,
      );
      if (round > 0) results.get(name)!.push(figures);
    }
  }
  return [...fanOutRows(results), ...sizeRows(sizes[0]!, sizes[1]!)];
}

function fanOutRows(results: ReadonlyMap<string, readonly FanOut[]>): Row[] {
  const pairs = [
    ['JSON', 'ws, JSON'],
    ['binary', 'ws, binary'],
    ['JSON', CENTRIFUGO_NAME],
    ['binary', CENTRIFUGO_NAME],
  ] as const;
  const side = (name: string, figure: keyof FanOut, factor = 1) =>
    sideResult(
      name,
      results.get(name)!.map((each) => each[figure] * factor),
    );
  const perFrame = (VEHICLES * TICK_MS) / 1_000;
  return pairs.flatMap(([subject, reference]): Row[] => {
    const target = reference.startsWith('ws') ? { atLeast: 0.9 } : null;
    const name = `${SOCKETS} sockets, ${subject}`;
    return [
      {
        kind: 'comparison',
        name,
        unit: 'vehicle updates/s',
        target,
        result: comparison(
          side(subject, 'framesPerSecond', perFrame),
          side(reference, 'framesPerSecond', perFrame),
        ),
      },
      {
        kind: 'comparison',
        name: `${name}, per second of processor time`,
        unit: 'frames',
        target,
        result: comparison(side(subject, 'framesPerCpuSecond'), side(reference, 'framesPerCpuSecond')),
      },
    ];
  });
}

type Sizes = ReturnType<typeof bytesPerVehicle>;

function sizeRows(json: Sizes, binary: Sizes): Row[] {
  return (['plain', 'compressed'] as const).map((size) => ({
    kind: 'comparison',
    name: `frame of ${(VEHICLES * USUAL_TICK_MS) / 1_000} vehicles, ${size}, per vehicle`,
    unit: 'bytes',
    target: null,
    result: comparison(sideResult('binary', [binary[size]]), sideResult('JSON', [json[size]])),
  }));
}
