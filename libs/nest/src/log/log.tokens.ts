/** Injects the `Admin` of the log. */
export const ADMIN = Symbol('Admin');
/** Injects the `Producer` of the app. */
export const PRODUCER = Symbol('Producer');
/** Injects the `RangeReader` of the app. */
export const RANGE_READER = Symbol('RangeReader');
/** Injects the `DeadLetterQueue` of the app. */
export const DEAD_LETTER_QUEUE = Symbol('DeadLetterQueue');
/** Injects `readonly TopicSettings[]`: the topics that must exist. */
export const TOPICS = Symbol('Topics');
