import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { GroupCoordinator } from '../groups/coordinator.js';
import { nameOf } from '../../protocol/error-codes.js';
import type { LogStore, Topic } from '../storage/topics/log-store.js';
import type { Meter } from '../metrics/meter.js';
import { Times } from './times.js';

/** Maximum number of topics with their own time series; the bytes of others are counted under OTHER_TOPICS. */
const MOST_TOPICS = 200;
const OTHER_TOPICS = '(other)';
/** Maximum numbers of partitions, and of pairs of group and topic, with their own time series. */
const MOST_PARTITIONS = 1_000;
const MOST_LAGS = 1_000;

const REQUEST_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SYNC_BUCKETS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

const STATES = ['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'];

/** The parts of the broker that gauges are read from. */
export interface Measured {
  readonly store: LogStore;
  readonly coordinator: GroupCoordinator;
  readonly connectionCount: () => number;
  readonly recoverySeconds: number;
}

/** Bytes by topic, for a limited number of topics. */
class TopicBytes {
  private readonly byTopic = new Map<string, number>();

  add(topic: string, bytes: number): void {
    const name = this.byTopic.has(topic) || this.byTopic.size < MOST_TOPICS ? topic : OTHER_TOPICS;
    this.byTopic.set(name, (this.byTopic.get(name) ?? 0) + bytes);
  }

  /** Totals since the broker started: a counter never decreases. */
  into(counter: Counter<'topic'>): void {
    counter.reset();
    for (const [topic, bytes] of this.byTopic) counter.inc({ topic }, bytes);
  }
}

/**
 * The metrics of the broker. Frequent events update plain numbers or time series that are looked up once; gauges are read
 * from the parts of the broker when the metrics are requested.
 */
export class BrokerMetrics {
  readonly registry = new Registry();
  private measured: Measured | undefined;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.addLog();
    this.addPartitions();
    this.addGroups();
    this.addBroker();
  }

  /** Called once the log is loaded. */
  measure(measured: Measured): void {
    this.measured = measured;
  }

  /** Receives the measurements of the parts of the broker. */
  meter(): Meter {
    const registers = [this.registry];
    const errors = this.requestErrors();
    const durations = memoized(() => new Times(REQUEST_BUCKETS));
    this.histogram(
      'broker_request_duration_seconds',
      'Time to handle a request, including the time that Fetch and JoinGroup wait',
      'api',
      durations.made,
    );
    const syncs = new Times(SYNC_BUCKETS);
    this.histogram(
      'broker_sync_duration_seconds',
      'Duration of a file sync',
      undefined,
      new Map([['', syncs]]),
    );
    const failures = new Counter({
      name: 'broker_write_failures_total',
      help: 'Writes and syncs that failed',
      registers,
    });
    const accepted = new Counter({
      name: 'broker_connections_accepted_total',
      help: 'Connections accepted',
      registers,
    });
    const rejected = new Counter({
      name: 'broker_connections_turned_away_total',
      help: 'Connections closed by the broker because of a limit, failed authentication or an invalid request',
      labelNames: ['reason'],
      registers,
    });
    const [received, sent] = this.topicBytes();
    return {
      answered(api, response, seconds) {
        const error = errorIn(response);
        const counts = errors.get(api);
        counts.set(error, (counts.get(error) ?? 0) + 1);
        durations.get(api).note(seconds);
      },
      received: (topic, bytes) => received.add(topic, bytes),
      sent: (topic, bytes) => sent.add(topic, bytes),
      synced: (seconds) => syncs.note(seconds),
      writeFailed: () => failures.inc(),
      connected: () => accepted.inc(),
      rejected: (reason) => rejected.inc({ reason }),
    };
  }

  private requestErrors(): Memoized<Map<number, number>> {
    const errors = memoized(() => new Map<number, number>());
    new Counter({
      name: 'broker_requests_total',
      help: 'Requests by API and by the first error in the response',
      labelNames: ['api', 'error'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [api, counts] of errors.made) {
          for (const [error, count] of counts) this.inc({ api, error: nameOf(error) }, count);
        }
      },
    });
    return errors;
  }

  private histogram(
    name: string,
    help: string,
    label: string | undefined,
    times: ReadonlyMap<string, Times>,
  ): void {
    const histogram = new Histogram({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [this.registry],
    });
    const { type, aggregator } = { type: 'histogram', aggregator: 'sum' };
    const read = () => {
      const values = [...times].flatMap(([key, each]) =>
        each.values(name, label === undefined ? {} : { [label]: key }),
      );
      return Promise.resolve({ name, help, type, aggregator, values });
    };
    // prom-client prefers the first for its text format.
    Object.assign(histogram, { getForPromString: read, get: read });
  }

  private topicBytes(): [TopicBytes, TopicBytes] {
    const received = new TopicBytes();
    const sent = new TopicBytes();
    const labels = { labelNames: ['topic'] as const, registers: [this.registry] };
    new Counter({
      name: 'broker_topic_received_bytes_total',
      help: `Bytes of batches appended, by topic; topics after the first ${MOST_TOPICS} are counted as '${OTHER_TOPICS}'`,
      ...labels,
      collect() {
        received.into(this);
      },
    });
    new Counter({
      name: 'broker_topic_sent_bytes_total',
      help: `Bytes of batches sent to consumers, by topic; topics after the first ${MOST_TOPICS} are counted as '${OTHER_TOPICS}'`,
      ...labels,
      collect() {
        sent.into(this);
      },
    });
    return [received, sent];
  }

  private addLog(): void {
    this.gauge('broker_topics', 'Topics', (set, { store }) => set({}, store.all().length));
    this.gauge('broker_partitions', 'Partitions of all topics', (set, { store }) => {
      set(
        {},
        sumOf(store.all(), ({ partitions }) => partitions.length),
      );
    });
    const ofTopics = (name: string, help: string, valueOf: (topic: Topic) => number) =>
      this.gauge(name, `${help}, for the first ${MOST_TOPICS} topics`, (set, { store }) => {
        for (const topic of store.all().slice(0, MOST_TOPICS)) set({ topic: topic.name }, valueOf(topic));
      });
    ofTopics('broker_topic_log_bytes', 'Size of a topic on disk in bytes', ({ partitions }) =>
      sumOf(partitions, ({ sizeBytes }) => sizeBytes),
    );
    ofTopics('broker_topic_segments', 'Segments of a topic', ({ partitions }) =>
      sumOf(partitions, ({ segmentCount }) => segmentCount),
    );
    ofTopics('broker_topic_producers', 'Idempotent producers with state in a topic', ({ partitions }) =>
      sumOf(partitions, ({ producers }) => producers.count),
    );
  }

  private addPartitions(): void {
    const ofPartitions = (
      name: string,
      help: string,
      valueOf: (log: Topic['partitions'][number]) => bigint,
    ) =>
      this.gauge(name, `${help}, for the first ${MOST_PARTITIONS} partitions`, (set, { store }) => {
        let left = MOST_PARTITIONS;
        for (const topic of store.all()) {
          for (const [partition, log] of topic.partitions.slice(0, left).entries()) {
            set({ topic: topic.name, partition: String(partition) }, Number(valueOf(log)));
            left--;
          }
        }
      });
    ofPartitions(
      'broker_partition_start_offset',
      'Log start offset of a partition',
      (log) => log.logStartOffset,
    );
    ofPartitions('broker_partition_end_offset', 'High watermark of a partition', (log) => log.highWatermark);
  }

  private addGroups(): void {
    this.gauge('broker_groups', 'Consumer groups by state', (set, { coordinator }) => {
      const groups = coordinator.all();
      for (const state of STATES) set({ state }, groups.filter((group) => group.state === state).length);
    });
    this.gauge('broker_group_members', 'Members of all consumer groups', (set, { coordinator }) => {
      set(
        {},
        sumOf(coordinator.all(), ({ members }) => members.size),
      );
    });
    this.gauge(
      'broker_group_lag_records',
      `Consumer lag: records after the committed offsets of a group in a topic, for the first ${MOST_LAGS} pairs of group and topic`,
      (set, measured) => {
        for (const [group, topic, lag] of lagsOf(measured).slice(0, MOST_LAGS)) set({ group, topic }, lag);
      },
    );
  }

  private addBroker(): void {
    this.gauge('broker_connections', 'Open connections', (set, { connectionCount }) => {
      set({}, connectionCount());
    });
    this.gauge('broker_recovery_seconds', 'Time to load the log at the last start', (set, measured) => {
      set({}, measured.recoverySeconds);
    });
    this.gauge(
      'broker_volume_usable_bytes',
      'Free space on the volume of the data directory in bytes',
      async (set, { store }) => {
        set({}, Number((await store.volume()).usableBytes));
      },
    );
  }

  /** A gauge without values until the log is loaded. */
  private gauge(
    name: string,
    help: string,
    collect: (
      set: (labels: Record<string, string>, value: number) => void,
      measured: Measured,
    ) => void | Promise<void>,
  ): void {
    const measured = () => this.measured;
    const labelNames = LABELS[name] ?? [];
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      async collect() {
        this.reset();
        const now = measured();
        if (now !== undefined) await collect((labels, value) => this.set(labels, value), now);
      },
    });
  }
}

const LABELS: Readonly<Record<string, readonly string[]>> = {
  broker_topic_log_bytes: ['topic'],
  broker_topic_segments: ['topic'],
  broker_topic_producers: ['topic'],
  broker_partition_start_offset: ['topic', 'partition'],
  broker_partition_end_offset: ['topic', 'partition'],
  broker_groups: ['state'],
  broker_group_lag_records: ['group', 'topic'],
};

function lagsOf({ store, coordinator }: Measured): [group: string, topic: string, lag: number][] {
  return coordinator.all().flatMap(({ groupId }) => {
    const lags = new Map<string, number>();
    for (const { topic, partition, offset } of coordinator.allCommitted(groupId)) {
      const log = store.topic(topic)?.partitions[partition];
      if (log === undefined) continue;
      const lag = Math.max(Number(log.highWatermark - offset), 0);
      lags.set(topic, (lags.get(topic) ?? 0) + lag);
    }
    return [...lags].map(([topic, lag]): [string, string, number] => [groupId, topic, lag]);
  });
}

function sumOf<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((sum, item) => sum + valueOf(item), 0);
}

/** Values that are created on first use. */
interface Memoized<V> {
  readonly made: ReadonlyMap<string, V>;
  get(key: string): V;
}

function memoized<V>(make: () => V): Memoized<V> {
  const values = new Map<string, V>();
  return {
    made: values,
    get(key) {
      let value = values.get(key);
      if (value === undefined) {
        value = make();
        values.set(key, value);
      }
      return value;
    },
  };
}

/** Fields of responses with elements that have an error code. */
const LISTS = ['topics', 'partitions', 'responses', 'results', 'groups', 'members', 'coordinators'] as const;

/** Returns the first error code in a response, at any level, or 0. */
export function errorIn(answer: unknown): number {
  if (typeof answer !== 'object' || answer === null) return 0;
  const fields = answer as Readonly<Record<string, unknown>>;
  const code = fields['errorCode'] ?? fields['error'];
  if (typeof code === 'number' && code !== 0) return code;
  for (const name of LISTS) {
    const list = fields[name];
    if (!Array.isArray(list)) continue;
    for (const each of list) {
      const found = errorIn(each);
      if (found !== 0) return found;
    }
  }
  return 0;
}
