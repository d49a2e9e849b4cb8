import { runToEnd, startBrokerProcess, startHttpProcess, temporaryFolder } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { alternate, comparison, sideResult } from '../../harness/rounds.js';
import type { Effort } from '../../harness/suite.js';
import { driveFleet } from './driven-fleet.js';

const CLIENTS = 1_000;

/** Each sends its position once a second; one in ten moves. */
const VEHICLES = 5_000;
const MOVING = VEHICLES / 10;

/** From the loss of all connections until the clients reconnect. */
const AWAY_MS = 3_000;

/** What the clients ask for. */
const scenarios = [
  { name: 'one view, JSON', kind: 'json', views: 'same' },
  { name: 'one view, binary', kind: 'binary', views: 'same' },
  { name: `${CLIENTS.toLocaleString('en')} views, binary`, kind: 'binary', views: 'different' },
] as const;

/** What the clients measure. */
interface Reconnection {
  readonly resumed: number;
  readonly medianMs: number;
  readonly allMs: number;
  readonly answerBytes: number;
  readonly sentBytes: number;
  readonly blockedMs: number;
  readonly rooms: number;
}

type Scenario = (typeof scenarios)[number];

/** 1,000 clients that lose their connections and all reconnect at the same moment: with the state that they have, and without. */
export async function measureReconnection(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(folder.path);
  await using realtime = await startHttpProcess({
    script: 'apps/realtime/dist/main.js',
    env: { KAFKA_BROKERS: broker.url },
    readyPath: '/health/ready',
  });
  await using _fleet = driveFleet(broker.url, { vehicles: VEHICLES, moving: MOVING });
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    const measure = async (resumes: boolean): Promise<Reconnection> => {
      const figures = await reconnect(realtime.url, scenario, resumes);
      say(`${scenario.name}, ${resumes ? 'resumed' : 'snapshots'}: ${JSON.stringify(figures)}`);
      return figures;
    };
    const { subject, reference } = await alternate({
      rounds: effort.rounds,
      subject: () => measure(true),
      reference: () => measure(false),
    });
    rows.push(...rowsOf(scenario.name, subject, reference));
  }
  return rows;
}

async function reconnect(url: string, { kind, views }: Scenario, resumes: boolean): Promise<Reconnection> {
  const args = [kind, views, url, String(CLIENTS), String(AWAY_MS), String(resumes)];
  const figures = JSON.parse(await runToEnd('bench/dist/load/reconnecting.js', args, {})) as Reconnection;
  const expected = resumes ? CLIENTS : 0;
  if (figures.resumed !== expected) {
    throw new Error(
      `${figures.resumed} clients were sent a frame that continues their state, expected ${expected}`,
    );
  }
  return figures;
}

function rowsOf(name: string, resumed: readonly Reconnection[], snapshots: readonly Reconnection[]): Row[] {
  const row = (figure: keyof Reconnection, what: string, unit: string, factor: number): Row => ({
    kind: 'comparison',
    name: `${CLIENTS.toLocaleString('en')} clients reconnect, ${name}: ${what}`,
    unit,
    target: null,
    result: comparison(
      sideResult(
        'resumed',
        resumed.map((each) => each[figure] * factor),
      ),
      sideResult(
        'snapshots',
        snapshots.map((each) => each[figure] * factor),
      ),
    ),
  });
  return [
    row('allMs', 'until all are current', 's', 1e-3),
    row('medianMs', 'until half are', 's', 1e-3),
    row('answerBytes', 'size of the answers', 'MB', 1e-6),
    row('sentBytes', 'sent meanwhile, with frames', 'MB', 1e-6),
    row('blockedMs', 'longest block of the event loop', 'ms', 1),
  ];
}
