import { freePort } from '@hailstream/service/ports';
import { startKafka, type RunningKafka } from '@hailstream/tools/kafka';
import { startBrokerProcess, type SystemProcess } from '../../harness/processes.js';

/** As Kafka's own start script has it. */
const KAFKA_HEAP = '1g';

/** A broker that is measured: a process of its own, which can be stopped and started again on what it has written. */
export interface BrokerSide extends AsyncDisposable {
  readonly name: string;
  /** `host:port`, which stays. */
  readonly address: string;
  /** Of the process that runs. */
  readonly pid: number;
  /** Launches it; resolves once it says that it is ready. */
  start(): Promise<void>;
  /** Ends it in good order. */
  stop(): Promise<void>;
}

/** Both, and which is which. */
export interface Sides {
  readonly ours: BrokerSide;
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
