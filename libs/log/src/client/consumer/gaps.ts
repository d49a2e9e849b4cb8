import type { ConsumerGap, ConsumerOptions } from './consumer.js';

const GAP_MESSAGES: Readonly<Record<ConsumerGap['cause'], string>> = {
  'log-start': 'records were deleted from the log before they were read',
  'log-end': 'the log ends before the position: it lost records or is another log, reading restarts',
  unexplained: 'the broker left out offsets of a topic that is not compacted',
};

/** Logs offsets that will not be read as an error, and passes them to `onGap`. */
export async function reportGap(
  gap: ConsumerGap,
  { logger, onGap }: Pick<ConsumerOptions, 'logger' | 'onGap'>,
): Promise<void> {
  const { topic, partition, expected, found, cause } = gap;
  logger.error(
    { topic, partition, expected: String(expected), found: String(found), cause },
    GAP_MESSAGES[cause],
  );
  await onGap?.(gap);
}
