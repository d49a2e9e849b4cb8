/** Injects the `Producer` of the app. */
export const PRODUCER = Symbol('Producer');
/** Injects the `Admin` of the app. */
export const ADMIN = Symbol('Admin');
/** Injects `readonly TopicSettings[]`: the topics that must exist. */
export const TOPICS = Symbol('Topics');
