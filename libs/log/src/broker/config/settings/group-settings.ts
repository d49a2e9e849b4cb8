import type { SettingDefinition } from './settings.js';

/** Settings of consumer groups and committed offsets. */
export const GROUP_SETTINGS = {
  'offset.metadata.max.bytes': {
    type: 'int',
    default: '4096',
    min: 0,
    readOnly: true,
    about: 'Maximum size of the metadata of a committed offset in bytes.',
  },
  'offsets.retention.minutes': {
    type: 'int',
    default: '10080',
    min: 1,
    readOnly: true,
    about: 'Retention time of committed offsets without a subscribed member.',
  },
  'offsets.retention.check.interval.ms': {
    type: 'long',
    default: '600000',
    min: 1,
    readOnly: true,
    about: 'Interval of the checks for expired offsets.',
  },
  'offsets.topic.segment.bytes': {
    type: 'int',
    default: '8388608',
    min: 1024,
    readOnly: true,
    about: 'Segment size of the offsets topic in bytes, used when it is created. Kafka: 100 MiB.',
  },
  'group.min.session.timeout.ms': {
    type: 'int',
    default: '6000',
    min: 0,
    readOnly: true,
    about: 'Minimum session timeout of a member.',
  },
  'group.max.session.timeout.ms': {
    type: 'int',
    default: '1800000',
    min: 0,
    readOnly: true,
    about: 'Maximum session timeout of a member.',
  },
  'group.initial.rebalance.delay.ms': {
    type: 'int',
    default: '0',
    min: 0,
    readOnly: true,
    about: 'Delay of the first rebalance of an empty group. Kafka: 3000.',
  },
  'group.max.size': {
    type: 'int',
    default: '1000',
    min: 1,
    readOnly: true,
    about: 'Maximum number of members of a group. Kafka: unlimited.',
  },
  'max.groups': {
    type: 'int',
    default: '10000',
    min: 1,
    about: 'Maximum number of groups with members or committed offsets. Not a Kafka setting.',
  },
} as const satisfies Record<string, SettingDefinition>;
