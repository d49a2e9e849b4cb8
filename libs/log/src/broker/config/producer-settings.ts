import type { SettingDefinition } from './settings.js';

/** Settings of what is known of producers, and of the coordinator of their transactions. */
export const PRODUCER_SETTINGS = {
  'producer.id.expiration.ms': {
    type: 'int',
    default: '86400000',
    min: 1,
    about: 'How long an idempotent producer is remembered that sends nothing.',
  },
  'transaction.max.timeout.ms': {
    type: 'int',
    default: '900000',
    min: 1,
    readOnly: true,
    about: 'Longest that a producer may let its transactions be open.',
  },
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': {
    type: 'int',
    default: '10000',
    min: 1,
    readOnly: true,
    about: 'How often transactions are aborted that have been open for too long.',
  },
  'transactional.id.expiration.ms': {
    type: 'int',
    default: '604800000',
    min: 1,
    readOnly: true,
    about: 'How long a transactional id is remembered that nobody uses.',
  },
  'transaction.remove.expired.transaction.cleanup.interval.ms': {
    type: 'int',
    default: '3600000',
    min: 1,
    readOnly: true,
    about: 'How often such ids are looked for.',
  },
} as const satisfies Record<string, SettingDefinition>;
