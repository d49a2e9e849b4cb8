import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { telemetryFamily } from '@hailstream/events';
import { freePort } from '@hailstream/service/ports';
import { kafkaConnectClasspath } from '@hailstream/tools/kafka';
import { startProgram, type Program } from '../../harness/processes.js';
import { until } from '../router/delivery.js';

/** As in Kafka's own start script. */
const JVM_OPTIONS = [
  '-Xms256M',
  '-Xmx2G',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  // Its output is shown if it fails.
  '-Dorg.apache.logging.log4j.level=WARN',
];
const TASKS = 2;
const BATCH_RECORDS = 5_000;
/** How often positions are committed, and so how exactly the end of a delivery is known. */
const COMMIT_EVERY_MS = 100;
const STATUS_EVERY_MS = 500;

/** A field of a record with a schema, in the format of Kafka Connect's JSON converter. */
interface Field {
  readonly field?: string;
  readonly type: string;
  readonly name?: string;
  readonly optional?: boolean;
  readonly fields?: readonly Field[];
}

const UUID = { type: 'string', name: 'io.debezium.data.Uuid' };
const required = (type: Field, names: readonly string[]): Field[] =>
  names.map((field) => ({ ...type, field }));
const optional = (type: Field, names: readonly string[]): Field[] =>
  required({ ...type, optional: true }, names);

/** The schema of telemetry, without trip_ids, which are null in all records. */
const SCHEMA: Field = {
  type: 'struct',
  fields: [
    ...required(UUID, ['telemetry_id', 'device_id', 'provider_id']),
    ...optional(UUID, ['data_provider_id', 'journey_id', 'stop_id']),
    ...optional({ type: 'string' }, ['location_type']),
    { field: 'timestamp', type: 'int64', name: 'org.apache.kafka.connect.data.Timestamp' },
    {
      field: 'location',
      type: 'struct',
      fields: [
        ...required({ type: 'double' }, ['lat', 'lng']),
        ...optional({ type: 'double' }, [
          'altitude',
          'heading',
          'speed',
          'horizontal_accuracy',
          'vertical_accuracy',
        ]),
        ...optional({ type: 'int16' }, ['satellites']),
      ],
    },
    ...optional({ type: 'int16' }, ['battery_percent', 'fuel_percent']),
    ...optional({ type: 'boolean' }, ['tipped_over']),
  ],
};

/** Columns whose names the sink derives from those of nested fields. */
export const RENAMED_COLUMNS = SCHEMA.fields!.find(({ field }) => field === 'location')!.fields!.map(
  ({ field }) => [field!, `location_${field!}`] as const,
);

/** A connector that delivers to a table. */
interface Sink extends AsyncDisposable {
  /** Its consumer group. */
  readonly groupId: string;
  /** Rejects once a task has failed. */
  readonly failed: Promise<never>;
}

/** Kafka Connect with one worker, in the mode standalone. */
export class KafkaConnect implements AsyncDisposable {
  private constructor(
    private readonly program: Program,
    private readonly url: string,
  ) {}

  static async start({ broker, folder }: { broker: string; folder: string }): Promise<KafkaConnect> {
    const address = `http://127.0.0.1:${await freePort()}`;
    const propertiesFile = join(folder, 'connect.properties');
    const properties = {
      'bootstrap.servers': broker,
      listeners: address,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'offset.storage.file.filename': join(folder, 'connect.offsets'),
      'offset.flush.interval.ms': COMMIT_EVERY_MS,
    };
    const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(propertiesFile, lines.join(''));
    const program = startProgram({
      command: 'java',
      args: [
        ...JVM_OPTIONS,
        '-cp',
        await kafkaConnectClasspath(),
        'org.apache.kafka.connect.cli.ConnectStandalone',
        propertiesFile,
      ],
      env: {},
    });
    const connect = new KafkaConnect(program, address);
    const ended = program.exited.then(() => {
      throw new Error(`Kafka Connect ended:\n${program.output()}`);
    });
    try {
      await Promise.race([until(() => connect.responds()), ended]);
      return connect;
    } catch (error) {
      await connect[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.program.pid;
  }

  /** Starts a connector that inserts all telemetry into a table. */
  async addSink({ sink, table }: { sink: string; table: string }): Promise<Sink> {
    const name = `sink-${Math.round(performance.now())}`;
    await this.request('POST', '/connectors', {
      name,
      config: sinkConfig(new URL(sink), table),
    });
    const removed = new AbortController();
    const failed: Promise<never> = this.watch(name, removed.signal);
    // Handled by the measurement, unless that has ended.
    failed.catch(() => undefined);
    return {
      groupId: `connect-${name}`,
      failed,
      [Symbol.asyncDispose]: async (): Promise<void> => {
        removed.abort();
        await this.request('DELETE', `/connectors/${name}`);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }

  private async watch(name: string, removed: AbortSignal): Promise<never> {
    for (;;) {
      await delay(STATUS_EVERY_MS, undefined, { signal: removed });
      await this.checkTasks(name);
    }
  }

  /** @throws Error if a task of a connector has failed */
  private async checkTasks(name: string): Promise<void> {
    const path = `/connectors/${name}/status`;
    const { tasks } = (await this.request('GET', path)) as { tasks: { state: string; trace?: string }[] };
    const failed = tasks.find(({ state }) => state === 'FAILED');
    if (failed) throw new Error(`Kafka Connect: a task failed: ${failed.trace}`);
  }

  private async responds(): Promise<boolean> {
    try {
      await this.request('GET', '/connectors');
      return true;
    } catch {
      // Not listening yet; retried until the time limit.
      return false;
    }
  }

  private async request(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Kafka Connect: ${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** A JDBC sink that inserts rows with the fields of telemetry. */
function sinkConfig({ host, pathname, username, password }: URL, table: string): Record<string, string> {
  return {
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': String(TASKS),
    topics: telemetryFamily.topic.name,
    // A new group starts at the beginning of the log.
    'consumer.override.auto.offset.reset': 'earliest',
    'consumer.override.max.poll.records': String(BATCH_RECORDS),
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schema.content': JSON.stringify(SCHEMA),
    transforms: 'flatten,received',
    'transforms.flatten.type': 'org.apache.kafka.connect.transforms.Flatten$Value',
    'transforms.flatten.delimiter': '_',
    'transforms.received.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
    'transforms.received.timestamp.field': 'received_at',
    'connection.url': `jdbc:postgresql://${host}${pathname}?reWriteBatchedInserts=true`,
    'connection.username': decodeURIComponent(username),
    'connection.password': decodeURIComponent(password),
    'collection.name.format': table,
    'schema.evolution': 'none',
    // Positions are committed after the rows, so a record may be inserted again.
    'insert.mode': 'upsert',
    'primary.key.mode': 'record_value',
    'primary.key.fields': 'telemetry_id,provider_id,timestamp',
    'batch.size': String(BATCH_RECORDS),
    // One statement with an array for each column, as fast as the connector can.
    'dialect.postgres.unnest.insert.enabled': 'true',
  };
}
