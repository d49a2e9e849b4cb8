/** How a setting's text is checked. */
export type SettingType = 'int' | 'long' | 'boolean' | 'string' | 'list' | 'double';

/** One setting by Kafka's own name. */
export interface SettingDefinition {
  readonly type: SettingType;
  readonly default: string;
  /** Allowed values, where the type does not say enough. */
  readonly oneOf?: readonly string[];
  readonly min?: number;
  /** Read at start only: DescribeConfigs calls it read-only and AlterConfigs refuses it. */
  readonly readOnly?: boolean;
}

/** A setting that is unknown, or has a value it can't have. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

/** How clients may prove who they are. */
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Settings of the broker that it heeds, with defaults; those not named are not known. */
export const BROKER_SETTINGS = {
  'broker.id': { type: 'int', default: '1', readOnly: true },
  'cluster.id': { type: 'string', default: '', readOnly: true },
  'advertised.host': { type: 'string', default: '', readOnly: true },
  'num.partitions': { type: 'int', default: '1', min: 1 },
  'default.replication.factor': { type: 'int', default: '1', readOnly: true },
  'auto.create.topics.enable': { type: 'boolean', default: 'true' },
  'delete.topic.enable': { type: 'boolean', default: 'true' },
  'message.max.bytes': { type: 'int', default: '1048588', min: 0 },
  'socket.request.max.bytes': { type: 'int', default: '104857600', min: 1024 },
  'fetch.max.bytes': { type: 'int', default: '57671680', min: 1024 },
  'connections.max.idle.ms': { type: 'long', default: '600000', min: 1, readOnly: true },
  'max.connections': { type: 'int', default: '10000', min: 1, readOnly: true },
  'listener.security.protocol': {
    type: 'string',
    default: 'PLAINTEXT',
    oneOf: ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    readOnly: true,
  },
  'sasl.enabled.mechanisms': {
    type: 'list',
    default: 'SCRAM-SHA-256,SCRAM-SHA-512',
    oneOf: SASL_MECHANISMS,
    readOnly: true,
  },
  'sasl.users.file': { type: 'string', default: '', readOnly: true },
  'sasl.server.max.receive.size': { type: 'int', default: '524288', min: 1024, readOnly: true },
  'connection.failed.authentication.delay.ms': { type: 'int', default: '100', min: 0, readOnly: true },
  'ssl.certificate.location': { type: 'string', default: '', readOnly: true },
  'ssl.key.location': { type: 'string', default: '', readOnly: true },
  'ssl.ca.location': { type: 'string', default: '', readOnly: true },
  'ssl.client.auth': { type: 'string', default: 'none', oneOf: ['none', 'required'], readOnly: true },
  'log.segment.bytes': { type: 'int', default: '1073741824', min: 1024 },
  'log.roll.ms': { type: 'long', default: '604800000', min: 1 },
  'log.roll.hours': { type: 'int', default: '168', min: 1 },
  'log.retention.ms': { type: 'long', default: '' },
  'log.retention.minutes': { type: 'long', default: '' },
  'log.retention.hours': { type: 'long', default: '168' },
  'log.retention.bytes': { type: 'long', default: '-1' },
  'log.retention.check.interval.ms': { type: 'long', default: '300000', min: 1 },
  'log.cleanup.policy': { type: 'list', default: 'delete', oneOf: ['delete', 'compact'] },
  'log.cleaner.backoff.ms': { type: 'long', default: '15000', min: 1 },
  'log.cleaner.min.cleanable.ratio': { type: 'double', default: '0.5', min: 0 },
  'log.cleaner.delete.retention.ms': { type: 'long', default: '86400000', min: 0 },
  'log.message.timestamp.type': {
    type: 'string',
    default: 'CreateTime',
    oneOf: ['CreateTime', 'LogAppendTime'],
  },
  'log.flush.interval.messages': { type: 'long', default: '9223372036854775807', min: 1 },
  'log.flush.interval.ms': { type: 'long', default: '1000', min: 1 },
  'log.flush.offset.checkpoint.interval.ms': { type: 'int', default: '60000', min: 1 },
  'offset.metadata.max.bytes': { type: 'int', default: '4096', min: 0 },
  'offsets.retention.minutes': { type: 'int', default: '10080', min: 1 },
  'offsets.retention.check.interval.ms': { type: 'long', default: '600000', min: 1 },
  'group.min.session.timeout.ms': { type: 'int', default: '6000', min: 0 },
  'group.max.session.timeout.ms': { type: 'int', default: '1800000', min: 0 },
  'group.initial.rebalance.delay.ms': { type: 'int', default: '0', min: 0 },
  'group.max.size': { type: 'int', default: '2147483647', min: 1 },
  'producer.id.expiration.ms': { type: 'int', default: '86400000', min: 1 },
} as const satisfies Record<string, SettingDefinition>;

export type BrokerSetting = keyof typeof BROKER_SETTINGS;

/** Settings of a topic, each with the broker setting that it defaults to. */
export const TOPIC_SETTINGS = {
  'cleanup.policy': { type: 'list', oneOf: ['delete', 'compact'], broker: 'log.cleanup.policy' },
  'min.cleanable.dirty.ratio': { type: 'double', min: 0, broker: 'log.cleaner.min.cleanable.ratio' },
  'delete.retention.ms': { type: 'long', min: 0, broker: 'log.cleaner.delete.retention.ms' },
  'retention.ms': { type: 'long', broker: 'log.retention.ms' },
  'retention.bytes': { type: 'long', broker: 'log.retention.bytes' },
  'segment.bytes': { type: 'int', min: 1024, broker: 'log.segment.bytes' },
  'segment.ms': { type: 'long', min: 1, broker: 'log.roll.ms' },
  'max.message.bytes': { type: 'int', min: 0, broker: 'message.max.bytes' },
  'message.timestamp.type': {
    type: 'string',
    oneOf: ['CreateTime', 'LogAppendTime'],
    broker: 'log.message.timestamp.type',
  },
  'flush.messages': { type: 'long', min: 1, broker: 'log.flush.interval.messages' },
  'flush.ms': { type: 'long', min: 1, broker: 'log.flush.interval.ms' },
} as const satisfies Record<string, Omit<SettingDefinition, 'default'> & { broker: BrokerSetting }>;

export type TopicSetting = keyof typeof TOPIC_SETTINGS;

/**
 * Checks one value.
 *
 * @throws SettingError that names the setting, what was expected and what came
 */
export function checkSetting(
  name: string,
  definition: Omit<SettingDefinition, 'default'>,
  value: string,
): void {
  const wrong = (expected: string): never => {
    throw new SettingError(`${name} must be ${expected}, not '${value}'`);
  };
  if (definition.oneOf !== undefined) {
    const values = definition.type === 'list' ? value.split(',').map((part) => part.trim()) : [value];
    if (!values.every((each) => definition.oneOf?.includes(each))) {
      wrong(`${definition.type === 'list' ? 'a list of' : 'one of'} ${definition.oneOf.join(', ')}`);
    }
    return;
  }
  switch (definition.type) {
    case 'boolean':
      if (value !== 'true' && value !== 'false') wrong('true or false');
      return;
    case 'double':
      if (value.trim() === '' || !Number.isFinite(Number(value))) wrong('a number');
      if (definition.min !== undefined && Number(value) < definition.min) wrong(`at least ${definition.min}`);
      return;
    case 'int':
    case 'long':
      if (!/^-?\d{1,19}$/.test(value)) wrong('a whole number');
      if (definition.min !== undefined && Number(value) < definition.min) wrong(`at least ${definition.min}`);
      if (definition.type === 'int' && Math.abs(Number(value)) > 2 ** 31 - 1) wrong('a 32-bit number');
      return;
    case 'string':
    case 'list':
      return;
  }
}
