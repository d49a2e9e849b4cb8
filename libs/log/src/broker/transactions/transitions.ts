/** States of a transactional id, by Kafka's names. */
export type TransactionState =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort';

/** `Moving`: the next state is on its way into the log. */
export type Standing = TransactionState | 'Moving';

/** What can be asked of a transactional id, by its producer or by the clock. */
export type TransactionRequest =
  /** A producer begins to use the id, or wants to go on after an error. */
  | 'init-producer'
  | 'add-partitions'
  | 'commit'
  | 'abort'
  /** A partition asks whether it is part of the transaction. */
  | 'verify-partition'
  /** The transaction is older than its producer said it would get. */
  | 'time-out'
  /** The id has not been used for longer than ids are kept. */
  | 'expire'
  /** The outcome is in the log; markers have to follow. */
  | 'finish';

/** What is done about it. */
export type Reaction =
  /** The producer gets the next epoch, or an id anew where there is none left. */
  | 'next-epoch'
  /** The transaction is aborted under the next epoch, which nobody has: its producer is fenced. */
  | 'fence-and-abort'
  | 'begin'
  | 'extend'
  | 'prepare-commit'
  | 'prepare-abort'
  /** It has been done before: the answer got lost. */
  | 'answer-again'
  | 'look-up'
  /** The id is forgotten. */
  | 'remove'
  /** Markers go to all partitions, then the transaction is complete. */
  | 'write-markers'
  | 'ignore'
  | 'refuse-concurrent'
  | 'refuse-state';

/** State × request: the whole of the coordinator's decisions. Who may ask is checked before. */
export const TRANSITIONS: Readonly<Record<Standing, Readonly<Record<TransactionRequest, Reaction>>>> = {
  Empty: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'refuse-state',
    abort: 'refuse-state',
    'verify-partition': 'refuse-state',
    'time-out': 'ignore',
    expire: 'remove',
    finish: 'ignore',
  },
  Ongoing: {
    'init-producer': 'fence-and-abort',
    'add-partitions': 'extend',
    commit: 'prepare-commit',
    abort: 'prepare-abort',
    'verify-partition': 'look-up',
    'time-out': 'fence-and-abort',
    expire: 'ignore',
    finish: 'ignore',
  },
  PrepareCommit: {
    'init-producer': 'refuse-concurrent',
    'add-partitions': 'refuse-concurrent',
    commit: 'refuse-concurrent',
    abort: 'refuse-state',
    'verify-partition': 'refuse-concurrent',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'write-markers',
  },
  PrepareAbort: {
    'init-producer': 'refuse-concurrent',
    'add-partitions': 'refuse-concurrent',
    commit: 'refuse-state',
    abort: 'refuse-concurrent',
    'verify-partition': 'refuse-concurrent',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'write-markers',
  },
  CompleteCommit: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'answer-again',
    abort: 'refuse-state',
    'verify-partition': 'refuse-state',
    'time-out': 'ignore',
    expire: 'remove',
    finish: 'ignore',
  },
  CompleteAbort: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'refuse-state',
    abort: 'answer-again',
    'verify-partition': 'refuse-state',
    'time-out': 'ignore',
    expire: 'remove',
    finish: 'ignore',
  },
  Moving: {
    'init-producer': 'refuse-concurrent',
    'add-partitions': 'refuse-concurrent',
    commit: 'refuse-concurrent',
    abort: 'refuse-concurrent',
    'verify-partition': 'look-up',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'ignore',
  },
};
