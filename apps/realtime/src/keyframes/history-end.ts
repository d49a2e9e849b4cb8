import type { KeyframeHeader } from '../archive/keyframe.js';

/** Where the log was when reading an earlier history was begun, which is to end there. */
export interface HistoryEnd {
  /** The position of each partition. */
  readonly topics: KeyframeHeader['topics'];
  /** The records of each provider that the city had counted. */
  readonly seen: ReadonlyMap<string, number>;
  /** How many records were folded up to there. */
  readonly records: bigint;
}

/** Whether a keyframe has exactly the positions of an end. */
export function isAt(header: KeyframeHeader, { topics }: HistoryEnd): boolean {
  return Object.entries(topics).every(([topic, { topicId, offsets }]) => {
    const known = header.topics[topic];
    return (
      known?.topicId === topicId &&
      Object.entries(offsets).every(([partition, next]) => known.offsets[Number(partition)] === next)
    );
  });
}
