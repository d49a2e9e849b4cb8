import Type from 'typebox';

const MEBIBYTE = 1_048_576;

/** Objects in a bucket. Credentials come from the environment (`AWS_ACCESS_KEY_ID`, …), as the AWS SDK finds them. */
const S3Sink = Type.Object(
  {
    type: Type.Literal('s3'),
    bucket: Type.String({ minLength: 3, maxLength: 63 }),
    region: Type.String({ minLength: 1, default: 'us-east-1' }),
    /** @default AWS */
    endpoint: Type.Optional(
      Type.String({ pattern: '^https?://.+', description: 'a URL that starts with http:// or https://' }),
    ),
    forcePathStyle: Type.Boolean({ default: false }),
    prefix: Type.String({
      pattern: '^$|/$',
      maxLength: 500,
      default: '',
      description: 'a prefix that ends with "/"',
    }),
    format: Type.Enum<('ndjson.gz' | 'parquet')[]>(['ndjson.gz', 'parquet'], { default: 'ndjson.gz' }),
    /** Which time assigns a record to an hour. */
    partitionBy: Type.Enum<('event-time' | 'received-time')[]>(['event-time', 'received-time'], {
      default: 'event-time',
    }),
    /** Objects with more bytes are uploaded in parts of this size. */
    partBytes: Type.Integer({ minimum: 5 * MEBIBYTE, maximum: 512 * MEBIBYTE, default: 16 * MEBIBYTE }),
    storageClass: Type.Optional(Type.String({ pattern: '^[A-Z_]+$' })),
    serverSideEncryption: Type.Optional(
      Type.Enum<('AES256' | 'aws:kms' | 'aws:kms:dsse')[]>(['AES256', 'aws:kms', 'aws:kms:dsse']),
    ),
    kmsKeyId: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type S3SinkSpec = Type.Static<typeof S3Sink>;

/** A search cluster. Credentials come from `OPENSEARCH_USERNAME` and `OPENSEARCH_PASSWORD`. */
const OpenSearchSink = Type.Object(
  {
    type: Type.Literal('opensearch'),
    url: Type.String({ pattern: '^https?://[^@?#]+$' }),
    /** `{topic}` and the event time's date in UTC, `{yyyy}`, `{yyyy.MM}` or `{yyyy.MM.dd}`, are replaced. */
    index: Type.String({
      pattern: String.raw`^(?![._-])(\{(topic|yyyy|yyyy\.MM|yyyy\.MM\.dd)\}|[a-z0-9._-])+$`,
      maxLength: 200,
    }),
  },
  { additionalProperties: false },
);

/** Another Kafka cluster. Credentials come from `TARGET_KAFKA_SASL_…` and `TARGET_KAFKA_SSL_…`. */
const KafkaSink = Type.Object(
  {
    type: Type.Literal('kafka'),
    brokers: Type.Array(Type.String({ pattern: '^.+:[0-9]{1,5}$', description: 'host:port' }), {
      minItems: 1,
    }),
    /** `{topic}` is replaced by the name of the source topic. */
    topic: Type.String({ minLength: 1, maxLength: 249, default: '{topic}' }),
    ssl: Type.Boolean({ default: false }),
  },
  { additionalProperties: false },
);
export type KafkaSinkSpec = Type.Static<typeof KafkaSink>;

/** An HTTP endpoint that receives signed batches. The secret comes from `WEBHOOK_SECRET`. */
const WebhookSink = Type.Object(
  {
    type: Type.Literal('webhook'),
    url: Type.String({ pattern: '^https?://[^@#]+$' }),
    timeoutSeconds: Type.Integer({ minimum: 1, maximum: 300, default: 10 }),
    /** How often a batch that the endpoint refuses is sent before its records are sent one by one. */
    maxAttempts: Type.Integer({ minimum: 1, maximum: 100, default: 5 }),
  },
  { additionalProperties: false },
);

/** How many records are delivered at once: a batch ends when it reaches one of the limits. */
function batching(records: number, sizeBytes: number) {
  return Type.Object(
    {
      records: Type.Integer({ minimum: 1, maximum: 10_000_000, default: records }),
      sizeBytes: Type.Integer({ minimum: 65_536, maximum: 1024 * MEBIBYTE, default: sizeBytes }),
    },
    { additionalProperties: false, default: {} },
  );
}

/** A block also ends before the first record that was received in a later interval than its first record. */
const BlockBatching = Type.Object(
  {
    ...batching(100_000, 32 * MEBIBYTE).properties,
    intervalSeconds: Type.Integer({ minimum: 1, maximum: 86_400, default: 600 }),
  },
  { additionalProperties: false, default: {} },
);

/** The settings of each type of sink, and of its batches. */
export const sinkSchemas = {
  s3: { sink: S3Sink, batching: BlockBatching },
  opensearch: { sink: OpenSearchSink, batching: batching(5_000, 4 * MEBIBYTE) },
  kafka: { sink: KafkaSink, batching: batching(10_000, MEBIBYTE) },
  webhook: { sink: WebhookSink, batching: batching(100, MEBIBYTE) },
} as const;

type SinkSchemas = typeof sinkSchemas;
export type SinkType = keyof SinkSchemas;

/** The sink and the batching of a job. */
export type SinkSpec = {
  readonly [T in SinkType]: {
    readonly sink: Type.Static<SinkSchemas[T]['sink']>;
    readonly batching: Type.Static<SinkSchemas[T]['batching']>;
  };
}[SinkType];
