import { statfs } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { trendOf, type Sample } from '../../../harness/trend.js';
import { temporaryFolder } from '../../../harness/processes.js';
import type { Experience, Row } from '../../../harness/report.js';
import { median } from '../../../harness/rounds.js';
import type { Effort } from '../../../harness/suite.js';
import { attackGroups } from '../attacks/index.js';
import { Neighbour } from '../target/neighbour.js';
import type { AttackGroup, Attempt } from '../target/attempt.js';
import { Target } from '../target/target.js';
import { checkDelivery, LogCounter } from './delivery.js';
import { measureProcesses, type Measurement } from './process-samples.js';

const SAMPLE_MS = 5_000;
/** In a short trial, each turn has some samples, too. */
const SAMPLES_PER_TURN = 5;
const MINUTE_MS = 60_000;
/**
 * Without attacks, for each minute: connections are made, code is compiled, and the young generations reach the size that the load
 * needs, which an attack that measures memory would count as its own.
 */
const WARM_UP_PART = 1 / 60;
const MIN_WARM_UP_MS = 5_000;
/** Between two attempts, so that they do not fill the disk. */
const PAUSE_MS = 500;
const MIN_FREE_BYTES = 5 * 2 ** 30;

/** Shared memory that parallel queries of Postgres may use in addition to what is allocated at its start. */
const PARALLEL_QUERIES_MIB = 256;

/** Growth that is tolerated in any case: of memory in MiB, and of descriptors. */
const TOLERATED = { memoryMiB: 8, descriptors: 8 };

/**
 * At full size, bodies measure processor time, of which the other provider uses a part; the fleet would fill the disk; the trips that
 * never were would reach the limit of realtime, 200,000, only in the last rounds; and kafkajs needs a minute to send 100,000 records in
 * one batch, in which this process measures nothing.
 */
const SMALL_GROUPS: readonly string[] = ['bodies', 'ids of others', 'records', 'a large fleet'];

/** A log that is small enough to delete its oldest segments in the first rounds: at its full size, memory and descriptors do not grow with it. */
const SETTINGS = {
  broker: [
    'log.segment.bytes=16777216',
    'log.retention.bytes=50331648',
    'log.retention.check.interval.ms=30000',
  ],
  batch: { BATCH_EVERY: '60s' },
};

/** Whether and how the system is attacked, and the defaults of the options. */
interface SoakPlan {
  readonly groups: readonly AttackGroup[];
  /** Each kind of hostile client has a turn in each round. */
  readonly rounds: number;
  readonly minutes: number;
  readonly eventsPerSecond: number;
  readonly eventsPerRequest: number;
}

export const attackedPlan: SoakPlan = {
  groups: attackGroups,
  rounds: 6,
  minutes: 60,
  eventsPerSecond: 1_000,
  eventsPerRequest: 5,
};

/** As many events as the loads of batch, ingest and realtime together can process on two cores, without hostile clients. */
export const steadyPlan: SoakPlan = {
  groups: [
    {
      name: 'no hostile client',
      attempts: () => [{ name: 'none', run: () => Promise.resolve(undefined) }],
    },
  ],
  rounds: 10,
  minutes: 10,
  eventsPerSecond: 5_000,
  eventsPerRequest: 25,
};

/** What happened in the turns of a kind. */
interface Kind {
  readonly group: AttackGroup;
  readonly attempts: Iterator<Attempt>;
  attempted: number;
  readonly failures: Map<string, number>;
  readonly turns: Experience[];
}

interface Turn {
  readonly round: number;
  readonly kind: string;
}

type TakenSample = Turn & {
  readonly atMs: number;
  readonly processes: Readonly<Record<string, Measurement>>;
};

/**
 * Runs the system with a provider that sends at a steady rate and has pages open, while hostile clients of each kind take turns: whether
 * memory or descriptors of a process grow, and whether each acknowledged event is in the log and once in Postgres.
 */
export async function runSoak(
  { groups, rounds, eventsPerRequest, ...plan }: SoakPlan,
  effort: Effort,
  say: (what: string) => void,
): Promise<Row[]> {
  const { minutes = plan.minutes, rate = plan.eventsPerSecond } = effort;
  await using folder = await temporaryFolder();
  say(
    `${minutes} minutes at ${rate} events/s; the first ${(minutes / rounds).toFixed(1)} are not judged: ` +
      'each kind of client is new to the processes, and their caches fill',
  );
  await using target = await Target.start(folder.path, {
    ...SETTINGS,
    // `kill -USR2` of a process that grows writes a heap snapshot.
    node: ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${folder.path}`],
  });
  await using neighbour = await Neighbour.start(target, {
    requestsPerSecond: rate / eventsPerRequest,
    eventsPerRequest,
    vehicles: 500,
    pages: 5,
    readsPerSecond: 1,
  });
  await using counter = await LogCounter.start(target);
  await pause(Math.max(MIN_WARM_UP_MS, minutes * MINUTE_MS * WARM_UP_PART));
  const soak = new Soak(target, neighbour, { groups, rounds, folder: folder.path, minutes, say });
  await soak.run();
  say('loading the rest');
  const sent = await neighbour.stop();
  const notReady = await target.notReady();
  const sharedMemory = await soak.sharedMemory();
  await target.load();
  say(`counting the ${sent.sent} events of the provider in the log and in Postgres`);
  const delivery = await checkDelivery(target, counter, sent);
  const { acknowledged, inLog, logRecords, rows } = delivery;
  return [
    ...soak.courses(),
    {
      kind: 'check',
      name: `each of ${sent.sent} events, of which ${acknowledged} were acknowledged, is in the log and once in Postgres`,
      result: `${inLog} events in ${logRecords} records of the log, ${rows} rows`,
      failures: delivery.failures,
    },
    {
      kind: 'check',
      name: 'all services are ready at the end',
      result: notReady === undefined ? 'ready' : 'not ready',
      failures: notReady === undefined ? [] : [notReady],
    },
    sharedMemory,
    ...soak.kindRows(),
  ];
}

class Soak {
  private readonly kinds: readonly Kind[];
  private readonly samples: TakenSample[] = [];
  private readonly sampleMs: number;
  private turn: Turn;
  private failure: Error | undefined;

  constructor(
    private readonly target: Target,
    private readonly neighbour: Neighbour,
    private readonly options: Pick<SoakPlan, 'groups' | 'rounds'> & {
      readonly folder: string;
      readonly minutes: number;
      readonly say: (what: string) => void;
    },
  ) {
    this.kinds = options.groups.map((group) => ({
      group,
      attempts: again(group.attempts(!SMALL_GROUPS.includes(group.name))),
      attempted: 0,
      failures: new Map(),
      turns: [],
    }));
    const turnMs = (options.minutes * MINUTE_MS) / options.rounds / this.kinds.length;
    this.sampleMs = Math.min(SAMPLE_MS, turnMs / SAMPLES_PER_TURN);
    this.turn = { round: 0, kind: this.kinds[0]!.group.name };
  }

  /** @throws Error if a process ends, or the disk is nearly full */
  async run(): Promise<void> {
    const startedAt = performance.now();
    const stop = new AbortController();
    const sampling = this.sample(startedAt, stop.signal).catch(
      (error: unknown) => (this.failure = error as Error),
    );
    const endsAt = startedAt + this.options.minutes * MINUTE_MS;
    const turns = this.options.rounds * this.kinds.length;
    for (let index = 0; index < turns; index += 1) {
      const kind = this.kinds[index % this.kinds.length]!;
      const round = Math.floor(index / this.kinds.length);
      this.turn = { round, kind: kind.group.name };
      const now = performance.now();
      await this.attack(kind, now + Math.max(0, endsAt - now) / (turns - index));
      if (this.failure !== undefined) throw this.failure;
      this.tell(kind, performance.now() - startedAt);
    }
    stop.abort();
    await sampling;
  }

  /** One attempt after the other, until the turn ends. An attempt that lasts longer shortens all turns that follow. */
  private async attack(kind: Kind, endsAt: number): Promise<void> {
    const experience = await this.neighbour.during(async () => {
      while (performance.now() < endsAt && this.failure === undefined) {
        const attempt = kind.attempts.next().value as Attempt;
        kind.attempted += 1;
        const problem = await attempt.run(this.target).catch((error: unknown) => String(error));
        if (problem !== undefined) {
          const failure = `${attempt.name}: ${problem}`;
          kind.failures.set(failure, (kind.failures.get(failure) ?? 0) + 1);
          this.options.say(`  not held: ${failure}`);
        }
        await pause(Math.min(PAUSE_MS, Math.max(0, endsAt - performance.now())));
      }
    });
    kind.turns.push(experience);
  }

  private async sample(startedAt: number, signal: AbortSignal): Promise<void> {
    let toldMinutes = 0;
    while (!signal.aborted) {
      const turn = this.turn;
      const processes = await measureProcesses(this.target);
      const passedMs = performance.now() - startedAt;
      this.samples.push({ ...turn, atMs: passedMs, processes });
      if (Math.floor(passedMs / MINUTE_MS) > toldMinutes) {
        toldMinutes = Math.floor(passedMs / MINUTE_MS);
        this.tellMinute(passedMs);
      }
      const { bavail, bsize } = await statfs(this.options.folder);
      if (bavail * bsize < MIN_FREE_BYTES) throw new Error(`${this.options.folder} has less than 5 GiB left`);
      await pause(this.sampleMs);
    }
  }

  private tell(kind: Kind, passedMs: number): void {
    const { acknowledged, refused, frameGap } = kind.turns.at(-1)!;
    this.options.say(
      `${(passedMs / MINUTE_MS).toFixed(1)} min, ${kind.group.name}: acknowledged ${acknowledged.count}, ` +
        `p99 ${ms(acknowledged.p99)}, refused ${refused}; frames ${ms(frameGap.max)}; ${this.lastSample()}`,
    );
  }

  /** Each minute, because an attempt may last for two. */
  private tellMinute(passedMs: number): void {
    const { minutes, rounds, say } = this.options;
    const { round, kind } = this.turn;
    say(
      `minute ${Math.floor(passedMs / MINUTE_MS)} of ${minutes}, round ${round + 1} of ${rounds}: ${kind}; ${this.lastSample()}`,
    );
  }

  private lastSample(): string {
    const processes = Object.entries(this.samples.at(-1)?.processes ?? {}).map(
      ([name, { privateMiB, descriptors }]) => `${name} ${privateMiB.toFixed(0)} MiB ${descriptors}`,
    );
    return `${processes.join(', ')} descriptors; load ${loadavg()[0]?.toFixed(1)}`;
  }

  /** Shared memory does not show whether a process grows: it fills, up to the settings of Postgres. */
  async sharedMemory(): Promise<Row> {
    const { rows } = await this.target.pool.query<{ mib: string }>(
      "SELECT pg_size_bytes(current_setting('shared_memory_size')) / 1048576 AS mib",
    );
    const limitMiB = Number(rows[0]?.mib);
    const mostMiB = Math.max(...this.samples.map(({ processes }) => processes['postgres']?.sharedMiB ?? 0));
    return {
      kind: 'check',
      name: `the shared memory of Postgres is within the ${limitMiB} MiB of its settings, and ${PARALLEL_QUERIES_MIB} MiB of parallel queries`,
      result: `at most ${mostMiB.toFixed(0)} MiB`,
      failures: mostMiB > limitMiB + PARALLEL_QUERIES_MIB ? ['it is larger'] : [],
    };
  }

  /** Memory and descriptors of each process, and the heap if it reports it. */
  courses(): Row[] {
    const names = Object.keys(this.samples[0]?.processes ?? {});
    return names
      .flatMap((name) => [
        this.course(name, 'private memory, MiB', TOLERATED.memoryMiB, (of) => of.privateMiB),
        this.course(name, 'resident memory, MiB', TOLERATED.memoryMiB, (of) => of.residentMiB),
        this.course(name, 'shared memory, MiB', Infinity, (of) => of.sharedMiB),
        this.course(name, 'descriptors', TOLERATED.descriptors, (of) => of.descriptors),
        this.course(name, 'open segments', Infinity, (of) => of.openSegments),
        this.course(name, 'longest block of the event loop, ms', Infinity, (of) => of.longestBlockMs),
        this.course(name, 'heap used, MiB', Infinity, (of) => of.heapMiB),
        this.course(name, 'heap, MiB', Infinity, (of) => of.heapTotalMiB),
        this.course(name, 'external memory, MiB', Infinity, (of) => of.externalMiB),
      ])
      .filter((row) => row.kind !== 'course' || row.trend.rounds.length > 0);
  }

  private course(
    process: string,
    measure: string,
    tolerated: number,
    valueOf: (measurement: Measurement) => number | undefined,
  ): Row {
    const samples = this.samples.flatMap(({ atMs, round, kind, processes }): Sample[] => {
      const value = valueOf(processes[process]!);
      return value === undefined || Number.isNaN(value) ? [] : [{ atMs, round, kind, value }];
    });
    return { kind: 'course', process, measure, trend: trendOf(samples, tolerated), samples };
  }

  /** What each kind has tried, and what the other provider has experienced meanwhile. */
  kindRows(): Row[] {
    return this.kinds.map(({ group, attempted, failures, turns }) => {
      const acknowledged = turns.map((turn) => turn.acknowledged.p99);
      const frames = turns.map((turn) => turn.frameGap.max);
      const refused = turns.reduce((sum, turn) => sum + turn.refused, 0);
      const disconnected = turns.filter((turn) => turn.disconnected).length;
      return {
        kind: 'check',
        name: group.name,
        result:
          `${attempted} attempts; acknowledged, p99: ${ms(median(acknowledged))} (at most ${ms(Math.max(...acknowledged))}); ` +
          `longest time between frames: ${ms(median(frames))} (at most ${ms(Math.max(...frames))}); ${refused} requests refused`,
        failures: [
          ...[...failures].map(([failure, times]) => `${failure} (${times} times)`),
          ...(disconnected > 0 ? [`a page was disconnected in ${disconnected} turns`] : []),
        ],
      };
    });
  }
}

/** The attempts again and again. */
function* again(attempts: readonly Attempt[]): Generator<Attempt> {
  for (;;) yield* attempts;
}

/** Microseconds as milliseconds. */
function ms(micros: number): string {
  return `${(micros / 1_000).toFixed(0)} ms`;
}
