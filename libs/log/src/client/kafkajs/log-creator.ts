import { logLevel, type logCreator } from 'kafkajs';
import type { Level, Logger } from 'pino';

/**
 * Forwards kafkajs's log messages to pino. What kafkajs logs as an error is one attempt that will be repeated, so the level is
 * `warn` at most: the code that gives up logs the error.
 */
export function kafkajsLogCreator(logger: Logger): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const { message, timestamp: _time, logger: _name, stack: _stack, ...fields } = log;
      logger[pinoLevel(level, message)]({ ...fields, part: namespace || 'Client' }, message);
    };
}

/** Messages that repeat with every retry, or that report what this library does on purpose. */
const PER_RETRY = [
  'Connection error',
  'Connection timeout',
  'Failed to connect',
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
