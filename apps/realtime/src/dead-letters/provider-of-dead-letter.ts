import { eventRegistry } from '@hailstream/events';
import type { DeadLetterOrigin, LogRecord } from '@hailstream/log';

/**
 * The provider of the event of a dead letter; `undefined` if it is unknown, because the value is not a JSON object with a
 * provider or the topic has no events. Only tokens without a provider may see such a dead letter.
 */
export function providerOfDeadLetter(
  { value }: Pick<LogRecord, 'value'>,
  { topic, lastOffset }: Pick<DeadLetterOrigin, 'topic' | 'lastOffset'>,
): string | undefined {
  if (value === null || lastOffset !== undefined || !eventRegistry.byTopic.has(topic)) return undefined;
  try {
    const event = JSON.parse(value.toString('utf8')) as { readonly provider_id?: unknown } | null;
    const provider = event?.provider_id;
    return typeof provider === 'string' && provider !== '' ? provider : undefined;
  } catch {
    // Not JSON: that may be why it is a dead letter.
    return undefined;
  }
}
