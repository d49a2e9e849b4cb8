import type { Alert } from '@hailstream/events/alerts';
import { serviceSentence } from '../service-sentence.js';

/** What an alert says, in the current language; the sentence of the service if it has no translation. */
export function summaryWords({ summary, summary_parts: parts }: Alert): string {
  return serviceSentence('alerts', parts) ?? summary;
}
