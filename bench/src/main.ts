import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MissingNeedsError } from '@hailstream/tools/needs';
import { hasFailed, machine, table, writeJson, type Row } from './harness/report.js';
import { efforts, type Effort, type Suite } from './harness/suite.js';
import { batchSuite } from './suites/batch.js';
import { brokerSuite } from './suites/broker/index.js';
import { faultsSuite } from './suites/faults/index.js';
import { growthSuite } from './suites/growth.js';
import { historySuite } from './suites/history/index.js';
import { hostileSuite } from './suites/hostile/index.js';
import { ingestSuite } from './suites/ingest.js';
import { liveSuite } from './suites/live/index.js';
import { matchingSuite } from './suites/matching.js';
import { overloadSuite } from './suites/overload.js';
import { peersBatchSuite } from './suites/peers/batch.js';
import { peersSuite } from './suites/peers/index.js';
import { producersSuite } from './suites/producers.js';
import { routerSuite } from './suites/router/index.js';
import { truthSuite } from './suites/truth/index.js';
import { visibleSuite } from './suites/visible.js';
import { warehouseSuite } from './suites/warehouse/index.js';

/** All suites in the order in which they run. */
const suites: readonly Suite[] = [
  ingestSuite,
  overloadSuite,
  batchSuite,
  warehouseSuite,
  matchingSuite,
  truthSuite,
  visibleSuite,
  historySuite,
  liveSuite,
  brokerSuite,
  producersSuite,
  growthSuite,
  faultsSuite,
  hostileSuite,
  routerSuite,
  peersSuite,
  peersBatchSuite,
];

const names = suites.map(({ name }) => name).join(', ');
const USAGE =
  'usage: npm run bench [-- [--quick] [--rows NUMBER] [--rounds NUMBER] [--job TEXT] [--vehicles NUMBER] [--hours NUMBER] [--minutes NUMBER] [--rate NUMBER] [--telemetry SECONDS] [--city FILE] [--folder DIR] [SUITE …]]; ' +
  '--job selects jobs of the suites broker, router, live, history, warehouse and hostile by their names, and distances that of the suite truth; --folder keeps the log and the databases of the suite warehouse, which measures them again; --vehicles, --hours and --telemetry are the city of the suite history; --vehicles and --minutes are the simulation of the suite truth; --minutes and --rate are the length of `hostile --job soak` and `--job steady`, and the events/s of their provider; --city is the city file of the suites matching and truth; ' +
  `suites: ${names}`;
const resultsFolder = fileURLToPath(new URL('../results', import.meta.url));

interface Request {
  readonly effort: Effort;
  readonly suites: typeof suites;
}

const request = parse(process.argv.slice(2));
if (request === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exitCode = 1;
} else if (request === 'help') {
  process.stdout.write(`${USAGE}\n`);
} else {
  try {
    await run(request);
  } catch (error) {
    if (!(error instanceof MissingNeedsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** The requested suites; `undefined` if one is unknown. */
function parse(args: string[]): Request | 'help' | undefined {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    strict: false,
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string' },
      job: { type: 'string' },
      vehicles: { type: 'string' },
      hours: { type: 'string' },
      minutes: { type: 'string' },
      rate: { type: 'string' },
      city: { type: 'string' },
      telemetry: { type: 'string' },
      folder: { type: 'string' },
    },
  });
  const options = new Set(Object.keys(values));
  if (options.delete('help')) return 'help';
  const effort = options.delete('quick') ? efforts.quick : efforts.full;
  const rows = options.delete('rows') ? Number(values.rows) : effort.rows;
  const rounds = options.delete('rounds') ? Number(values.rounds) : effort.rounds;
  const job = options.delete('job') ? String(values.job) : undefined;
  const vehicles = options.delete('vehicles') ? Number(values.vehicles) : undefined;
  const hours = options.delete('hours') ? Number(values.hours) : undefined;
  const minutes = options.delete('minutes') ? Number(values.minutes) : undefined;
  const rate = options.delete('rate') ? Number(values.rate) : undefined;
  const folder = options.delete('folder') ? String(values.folder) : undefined;
  const city = options.delete('city') ? String(values.city) : undefined;
  const telemetrySeconds = options.delete('telemetry') ? Number(values.telemetry) : undefined;
  const known = positionals.every((name) => suites.some((suite) => suite.name === name));
  const isPositive = [rows, vehicles ?? 1, hours ?? 1, minutes ?? 1, rate ?? 1, telemetrySeconds ?? 1].every(
    (number) => number > 0,
  );
  if (options.size > 0 || !known || !isPositive || !Number.isInteger(rounds) || rounds < 1) return undefined;
  return {
    effort: {
      ...effort,
      rows,
      rounds,
      ...(job !== undefined && { job }),
      ...(vehicles !== undefined && { vehicles }),
      ...(hours !== undefined && { hours }),
      ...(minutes !== undefined && { minutes }),
      ...(rate !== undefined && { rate }),
      ...(folder !== undefined && { folder }),
      ...(city !== undefined && { city }),
      ...(telemetrySeconds !== undefined && { telemetrySeconds }),
    },
    suites: suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  };
}

async function run(request: Request): Promise<void> {
  for (const suite of request.suites) await suite.prepare?.();
  const takenAt = new Date();
  const rows: Row[] = [];
  for (const suite of request.suites) {
    const say = (what: string): void => {
      process.stderr.write(`${suite.name}: ${what}\n`);
    };
    rows.push(...(await suite.run(request.effort, say)));
  }
  process.stdout.write(`\n${table(rows)}\n\n${machine()}\n`);
  if (rows.some(hasFailed)) process.exitCode = 1;
  process.stdout.write(`each round: ${writeJson(resultsFolder, rows, takenAt)}\n`);
}
