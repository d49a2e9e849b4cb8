/** Injects `Producer`. */
export const PRODUCER = Symbol('Producer');
/** Injects `readonly TopicSpec[]`: the topics that must exist. */
export const TOPIC_SPECS = Symbol('TopicSpecs');
/** Injects `Admin`. */
export const ADMIN = Symbol('Admin');
