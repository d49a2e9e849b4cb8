import { BUCKET } from './sinks.js';

/** Blocks of objects, bulk requests, transactions and requests at the same time, on both sides. */
const CONCURRENCY = 4;

/** Where the sinks are. */
export interface SinkAddresses {
  readonly objectStorage: string;
  readonly http: string;
  readonly kafka: string;
}

/** A job that both sides run. */
export interface MeasuredJob {
  readonly name: string;
  /** File of the reference's job. */
  readonly reference: string;
  /** Share of the records that is delivered: slow jobs deliver fewer. */
  readonly share: number;
  /** The sink for the reference. */
  sinkOf(addresses: SinkAddresses): string;
  /** The router's sink and batching; `name` is the same for both sides, and differs for each round. */
  routerSink(addresses: SinkAddresses, name: string): object;
}

const objectStorage = {
  share: 1,
  sinkOf: ({ objectStorage: endpoint }: SinkAddresses) => endpoint,
  routerSink: (format: 'ndjson.gz' | 'parquet') => (addresses: SinkAddresses, name: string) => ({
    sink: {
      type: 's3',
      endpoint: addresses.objectStorage,
      bucket: BUCKET,
      prefix: `${name}/`,
      format,
      forcePathStyle: true,
    },
  }),
} as const;

/** The jobs, with batches of the same size on both sides: the router's defaults. */
export const measuredJobs: readonly MeasuredJob[] = [
  {
    ...objectStorage,
    name: 'S3, NDJSON with gzip',
    reference: 'ndjson.yaml',
    routerSink: objectStorage.routerSink('ndjson.gz'),
  },
  {
    ...objectStorage,
    name: 'S3, Parquet with zstd',
    reference: 'parquet.yaml',
    routerSink: objectStorage.routerSink('parquet'),
  },
  {
    name: 'OpenSearch',
    reference: 'opensearch.yaml',
    share: 1,
    sinkOf: ({ http }) => http,
    routerSink: ({ http }) => ({
      sink: { type: 'opensearch', url: http, index: 'ride-telemetry-{yyyy.MM.dd}' },
    }),
  },
  {
    name: 'second Kafka',
    reference: 'kafka.yaml',
    share: 1,
    sinkOf: ({ kafka }) => kafka,
    routerSink: ({ kafka }, name) => ({ sink: { type: 'kafka', brokers: [kafka], topic: name } }),
  },
  {
    name: 'webhook',
    reference: 'webhook.yaml',
    share: 0.2,
    sinkOf: ({ http }) => `${http}/webhook`,
    routerSink: ({ http }) => ({ sink: { type: 'webhook', url: `${http}/webhook` } }),
  },
];

/** The router file with one job. */
export function routerFile(
  job: MeasuredJob,
  options: { readonly addresses: SinkAddresses; readonly name: string; readonly topic: string },
): string {
  const { addresses, name, topic } = options;
  const routed = {
    name,
    topics: [topic],
    ...job.routerSink(addresses, name),
    concurrency: CONCURRENCY,
  };
  // JSON is YAML.
  return JSON.stringify({ jobs: [routed] });
}
