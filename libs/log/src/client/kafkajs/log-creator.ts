import { logLevel, type logCreator } from 'kafkajs';
import type { Level, Logger } from 'pino';

/**
 * Sends what kafkajs says to pino. What kafkajs calls an error is one attempt that failed and will be made again, so it
 * is a warning here at most: whoever gives up for good says so itself.
 */
export function kafkajsLogCreator(logger: Logger): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const { message, timestamp: _time, logger: _name, stack: _stack, ...fields } = log;
      logger[pinoLevel(level, message)]({ ...fields, part: namespace || 'Client' }, message);
    };
}

/** Messages of kafkajs that repeat with every retry, or that tell what this library does on purpose. */
const PER_RETRY = [
  'Connection error',
  'Connection timeout',
  'Failed to connect',
  'Failed to send messages',
  'Limiting retries for the idempotent producer',
  'Request ',
  'Response ',
  'Response without match',
  'Restarting the consumer',
  'Crash: ',
  'The coordinator is not aware of this member',
  'The group is rebalancing',
];

const HEALED_ITSELF = ['Offset out of range'];

function pinoLevel(level: logLevel, message: string): Level {
  if (HEALED_ITSELF.some((start) => message.startsWith(start))) return 'warn';
  if (PER_RETRY.some((start) => message.startsWith(start))) return 'debug';
  switch (level) {
    case logLevel.ERROR:
    case logLevel.WARN:
      return 'warn';
    case logLevel.NOTHING:
    case logLevel.INFO:
    case logLevel.DEBUG:
      return 'debug';
    default:
      return 'debug';
  }
}
