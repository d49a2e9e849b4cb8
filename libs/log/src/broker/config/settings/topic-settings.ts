import type { BrokerSetting } from './broker-settings.js';
import type { SettingDefinition } from './settings.js';

/** A setting of a topic: with a broker setting as its default, or without. */
export type TopicSettingDefinition = Omit<SettingDefinition, 'default' | 'about' | 'readOnly'> &
  (
    | { readonly broker: BrokerSetting }
    /** Stored and returned, but without effect. `about` has the reason. */
    | { readonly default: string; readonly about: string }
  );

const USUAL_LEVEL = 'codecs use their default levels';
const NO_TIERED_STORAGE = 'tiered storage is not supported';

/** Settings of a topic. */
export const TOPIC_SETTINGS = {
  'cleanup.policy': { type: 'list', oneOf: ['delete', 'compact'], broker: 'log.cleanup.policy' },
  'min.cleanable.dirty.ratio': { type: 'double', min: 0, max: 1, broker: 'log.cleaner.min.cleanable.ratio' },
  'delete.retention.ms': { type: 'long', min: 0, broker: 'log.cleaner.delete.retention.ms' },
  'min.compaction.lag.ms': { type: 'long', min: 0, broker: 'log.cleaner.min.compaction.lag.ms' },
  'max.compaction.lag.ms': { type: 'long', min: 1, broker: 'log.cleaner.max.compaction.lag.ms' },
  'retention.ms': { type: 'long', min: -1, broker: 'log.retention.ms' },
  'retention.bytes': { type: 'long', broker: 'log.retention.bytes' },
  'segment.bytes': { type: 'int', min: 1024, broker: 'log.segment.bytes' },
  'segment.ms': { type: 'long', min: 1, broker: 'log.roll.ms' },
  'segment.jitter.ms': {
    type: 'long',
    oneOf: ['0'],
    because: 'segments are rolled without jitter',
    broker: 'log.roll.jitter.ms',
  },
  'max.message.bytes': { type: 'int', min: 0, broker: 'message.max.bytes' },
  'message.timestamp.type': {
    type: 'string',
    oneOf: ['CreateTime', 'LogAppendTime'],
    broker: 'log.message.timestamp.type',
  },
  'message.timestamp.before.max.ms': { type: 'long', min: 0, broker: 'log.message.timestamp.before.max.ms' },
  'message.timestamp.after.max.ms': { type: 'long', min: 0, broker: 'log.message.timestamp.after.max.ms' },
  'min.insync.replicas': { type: 'int', min: 1, broker: 'min.insync.replicas' },
  'compression.type': {
    type: 'string',
    oneOf: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
    broker: 'compression.type',
  },
  'flush.messages': { type: 'long', min: 1, broker: 'log.flush.interval.messages' },
  'flush.ms': { type: 'long', min: 0, broker: 'log.flush.interval.ms' },
  'remote.storage.enable': {
    type: 'boolean',
    oneOf: ['false'],
    because: NO_TIERED_STORAGE,
    default: 'false',
    about: NO_TIERED_STORAGE,
  },
  'remote.log.copy.disable': { type: 'boolean', default: 'false', about: NO_TIERED_STORAGE },
  'remote.log.delete.on.disable': { type: 'boolean', default: 'false', about: NO_TIERED_STORAGE },
  'local.retention.ms': { type: 'long', min: -2, default: '-2', about: NO_TIERED_STORAGE },
  'local.retention.bytes': { type: 'long', min: -2, default: '-2', about: NO_TIERED_STORAGE },
  'compression.gzip.level': { type: 'int', default: '-1', about: USUAL_LEVEL },
  'compression.lz4.level': { type: 'int', default: '9', about: USUAL_LEVEL },
  'compression.zstd.level': { type: 'int', default: '3', about: USUAL_LEVEL },
  'file.delete.delay.ms': { type: 'long', min: 0, default: '60000', about: 'files are deleted immediately' },
  'index.interval.bytes': {
    type: 'int',
    min: 0,
    default: '4096',
    about: 'the interval is always 4096 bytes',
  },
  'segment.index.bytes': {
    type: 'int',
    min: 4,
    default: '10485760',
    about: 'indexes grow as needed',
  },
  preallocate: { type: 'boolean', default: 'false', about: 'files are not preallocated' },
  'unclean.leader.election.enable': {
    type: 'boolean',
    default: 'false',
    about: 'partitions have one replica',
  },
  'leader.replication.throttled.replicas': {
    type: 'list',
    default: '',
    about: 'partitions have one replica',
  },
  'follower.replication.throttled.replicas': {
    type: 'list',
    default: '',
    about: 'partitions have one replica',
  },
} as const satisfies Record<string, TopicSettingDefinition>;

export type TopicSetting = keyof typeof TOPIC_SETTINGS;
