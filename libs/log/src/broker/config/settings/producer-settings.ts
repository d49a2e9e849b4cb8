import type { SettingDefinition } from './settings.js';

/** Settings of producer states and transactions. */
export const PRODUCER_SETTINGS = {
  'producer.id.expiration.ms': {
    type: 'int',
    default: '86400000',
    min: 1,
    about: 'Retention time of the state of an inactive idempotent producer.',
  },
  'max.transactional.ids': {
    type: 'int',
    default: '10000',
    min: 1,
    about: 'Maximum number of transactional ids. Not a Kafka setting.',
  },
  'transaction.max.timeout.ms': {
    type: 'int',
    default: '900000',
    min: 1,
    readOnly: true,
    about: 'Maximum transaction timeout of a producer.',
  },
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': {
    type: 'int',
    default: '10000',
    min: 1,
    readOnly: true,
    about: 'Interval of the checks for transactions to abort after their timeout.',
  },
  'transactional.id.expiration.ms': {
    type: 'int',
    default: '604800000',
    min: 1,
    readOnly: true,
    about: 'Retention time of an unused transactional id.',
  },
  'transaction.remove.expired.transaction.cleanup.interval.ms': {
    type: 'int',
    default: '3600000',
    min: 1,
    readOnly: true,
    about: 'Interval of the checks for expired transactional ids.',
  },
} as const satisfies Record<string, SettingDefinition>;
