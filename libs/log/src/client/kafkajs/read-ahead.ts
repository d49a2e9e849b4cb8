import { endOfRecordSet, type FetchedRecordSet } from '../record/record-set.js';

/** A Fetch request of kafkajs. */
export interface FetchRequest {
  readonly rackId?: string;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
}

/** A decoded response; a partition without records has no messages. */
export interface FetchResponse {
  readonly responses: readonly {
    readonly topicName: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly messages: readonly { readonly fetched: FetchedRecordSet }[];
    }[];
  }[];
}

/**
 * Requests the records after those of a response while they are handled: kafkajs sends the next Fetch only after that. Reads
 * ahead only if a response has at least half of the bytes that it may have, so that at most one response is in memory in
 * addition, and a consumer that is not behind waits for records as before.
 */
export class ReadAhead {
  private next: { readonly positions: string; readonly response: Promise<FetchResponse> } | undefined;

  /** Returns the response that was requested ahead if it is for the same positions. */
  async fetch(
    request: FetchRequest,
    send: (request: FetchRequest) => Promise<FetchResponse>,
  ): Promise<FetchResponse> {
    const { next } = this;
    this.next = undefined;
    const isNext = next !== undefined && next.positions === positionsOf(request);
    const response = await (isNext ? next.response : send(request));
    const following = requestAfter(request, response);
    if (following) {
      const ahead = send(following);
      // An error is reported if the response is used.
      ahead.catch(() => undefined);
      this.next = { positions: positionsOf(following), response: ahead };
    }
    return response;
  }
}

function positionsOf({ topics }: FetchRequest): string {
  const positions = topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, fetchOffset }) => `${topic}/${partition}/${fetchOffset}`),
  );
  return positions.toSorted().join(' ');
}

/** The request for the records after those of a response; `undefined` if they should not be read ahead. */
function requestAfter(request: FetchRequest, { responses }: FetchResponse): FetchRequest | undefined {
  const ends = new Map<string, bigint>();
  let sizeBytes = 0;
  for (const { topicName, partitions } of responses) {
    for (const { partition, messages } of partitions) {
      for (const { fetched } of messages) {
        const end = endOfRecordSet(fetched.bytes);
        // The position is out of range, or the first batch has to be requested again with more bytes.
        if (end === undefined) return undefined;
        ends.set(`${topicName}/${partition}`, end);
        sizeBytes += fetched.bytes.length;
      }
    }
  }
  const limits = request.topics.flatMap(({ partitions }) => partitions.map(({ maxBytes }) => maxBytes));
  const limit = Math.min(
    request.maxBytes,
    limits.reduce((sum, maxBytes) => sum + maxBytes, 0),
  );
  if (sizeBytes < limit / 2) return undefined;
  const topics = request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((each) => {
      const end = ends.get(`${topic}/${each.partition}`);
      return end === undefined ? each : { ...each, fetchOffset: String(end) };
    }),
  }));
  return { ...request, topics };
}
