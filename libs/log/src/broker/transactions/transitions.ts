/** Kafka's states of a transactional id. */
export type TransactionState =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort';

/** `Moving`: the next state is being written to the log. */
export type Standing = TransactionState | 'Moving';

/** Requests to a transactional id, by its producer or by a timer. */
export type TransactionRequest =
  /** A producer is initialized, or continues after an error. */
  | 'init-producer'
  | 'add-partitions'
  | 'commit'
  | 'abort'
  /** A partition verifies that it is part of the transaction. */
  | 'verify-partition'
  /** The transaction has exceeded its timeout. */
  | 'time-out'
  /** The id has expired. */
  | 'expire'
  /** The outcome is in the log; the markers are to be written. */
  | 'finish';

/** Reactions of a transactional id. */
export type Reaction =
  /** The producer gets the next epoch, or a new producer id if the epochs are used up. */
  | 'next-epoch'
  /** The transaction is aborted with the next epoch, which no producer has: its producer is fenced. */
  | 'fence-and-abort'
  | 'begin'
  | 'extend'
  | 'prepare-commit'
  | 'prepare-abort'
  /** The request is a retry: the first response was lost. */
  | 'answer-again'
  | 'look-up'
  /** The id is removed. */
  | 'remove'
  /** The markers are written to all partitions, then the transaction is complete. */
  | 'write-markers'
  | 'ignore'
  | 'reject-concurrent'
  | 'reject-state';

/** Reaction by state and request. Producer id and epoch are checked before. */
export const TRANSITIONS: Readonly<Record<Standing, Readonly<Record<TransactionRequest, Reaction>>>> = {
  Empty: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'reject-state',
    abort: 'reject-state',
    'verify-partition': 'reject-state',
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
    'init-producer': 'reject-concurrent',
    'add-partitions': 'reject-concurrent',
    commit: 'reject-concurrent',
    abort: 'reject-state',
    'verify-partition': 'reject-concurrent',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'write-markers',
  },
  PrepareAbort: {
    'init-producer': 'reject-concurrent',
    'add-partitions': 'reject-concurrent',
    commit: 'reject-state',
    abort: 'reject-concurrent',
    'verify-partition': 'reject-concurrent',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'write-markers',
  },
  CompleteCommit: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'answer-again',
    abort: 'reject-state',
    'verify-partition': 'reject-state',
    'time-out': 'ignore',
    expire: 'remove',
    finish: 'ignore',
  },
  CompleteAbort: {
    'init-producer': 'next-epoch',
    'add-partitions': 'begin',
    commit: 'reject-state',
    abort: 'answer-again',
    'verify-partition': 'reject-state',
    'time-out': 'ignore',
    expire: 'remove',
    finish: 'ignore',
  },
  Moving: {
    'init-producer': 'reject-concurrent',
    'add-partitions': 'reject-concurrent',
    commit: 'reject-concurrent',
    abort: 'reject-concurrent',
    'verify-partition': 'look-up',
    'time-out': 'ignore',
    expire: 'ignore',
    finish: 'ignore',
  },
};
