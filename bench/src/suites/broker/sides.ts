import { freePort } from '@hailstream/service/ports';
import { startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import { startBrokerProcess, type SystemProcess } from '../../harness/processes.js';

/** The default of Kafka's start script. */
const KAFKA_HEAP = '1g';

/** A measured broker: a separate process that can be stopped and restarted on its data. */
export interface BrokerSide extends AsyncDisposable {
  readonly name: string;
  /** `host:port`; it does not change. */
  readonly address: string;
  /** Id of the running process. */
  readonly pid: number;
  /** Starts the broker; resolves once it is ready. */
  start(): Promise<void>;
  /** Shuts the broker down. */
  stop(): Promise<void>;
}

/** Both brokers. */
export interface Sides {
  readonly subject: BrokerSide;
  readonly reference: BrokerSide;
}

/** The embedded broker, running, with empty data. */
export async function startEmbedded(dataDir: string): Promise<BrokerSide> {
  const port = await freePort();
  let running: SystemProcess | undefined = await startBrokerProcess(dataDir, port);
  const stop = async (): Promise<void> => {
    await running?.[Symbol.asyncDispose]();
    running = undefined;
  };
  return {
    name: 'embedded broker',
    address: `127.0.0.1:${port}`,
    get pid() {
      return running?.pid ?? Number.NaN;
    },
    async start() {
      running = await startBrokerProcess(dataDir, port);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Apache Kafka, one node, running, with empty data. */
export async function startApacheKafka(): Promise<BrokerSide> {
  const kafka: RunningKafka = await startKafka({ brokers: 1, heap: KAFKA_HEAP });
  return {
    name: `Apache Kafka, -Xmx${KAFKA_HEAP} -Xms${KAFKA_HEAP}`,
    address: kafka.addresses[0] ?? '',
    get pid() {
      return kafka.processIds[0] ?? Number.NaN;
    },
    start: () => kafka.restart(0),
    stop: () => kafka.stop(0),
    [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
  };
}
