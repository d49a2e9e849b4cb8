import type { AlertSentenceCode } from '@hailstream/events/alerts';
import type { EvidenceCode } from '@hailstream/events/feeds';
import type { ProblemCode } from '@hailstream/events/plausibility';
import type { en } from './en.js';

export type MessageKey = keyof typeof en;

/** The texts of one language. */
export type Messages = Readonly<Record<MessageKey, string>>;

/** What is wrong with a feed, what usually causes it, and what fixes it. */
export type FindingTexts = Readonly<
  Record<ProblemCode, readonly [title: string, cause: string, fix: string]>
>;

/** Texts that the service sends in English. */
export interface ServiceTexts {
  readonly findings: FindingTexts;
  /** What shows a finding. */
  readonly evidence: Readonly<Record<EvidenceCode, string>>;
  /** Sentences of alerts. */
  readonly alerts: Readonly<Record<AlertSentenceCode, string>>;
}
