import type { ProblemCode } from '@hailstream/events/plausibility';
import type { en } from './en.js';

export type MessageKey = keyof typeof en;

/** The texts of one language. */
export type Messages = Readonly<Record<MessageKey, string>>;

/** What is wrong with a feed, what usually causes it, and what fixes it. */
export type FindingTexts = Readonly<
  Record<ProblemCode, readonly [title: string, cause: string, fix: string]>
>;
