import { Program, type Command } from './programs.js';

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface PlacedRecord extends Place {
  readonly offset: number;
  readonly value: string;
}

/** What Kafka's VerifiableProducer and VerifiableConsumer print, a JSON object a line; our programs do the same. */
export type ClientEvent =
  | { readonly name: 'startup_complete' | 'shutdown_complete' | 'records_consumed' | 'tool_data' }
  | ({ readonly name: 'producer_send_success' } & PlacedRecord)
  | { readonly name: 'producer_send_error'; readonly value: string; readonly message: string }
  | {
      readonly name: 'partitions_assigned' | 'partitions_revoked' | 'partitions_lost';
      readonly partitions: readonly Place[];
    }
  | ({ readonly name: 'record_data' } & PlacedRecord)
  | {
      readonly name: 'offsets_committed';
      readonly offsets: readonly (Place & { readonly offset: number })[];
      readonly success: boolean;
    };

/** Keys that producers use, one after the other: 0, 1, 2, … Enough for all partitions to have some. */
export const KEYS = 100;

/** Idempotent, with acks of all replicas; the values are 0, 1, 2, … */
export interface ProducerOptions {
  readonly address: string;
  readonly topic: string;
  readonly count: number;
  /** Records a second. */
  readonly rate: number;
}

/** Begins where the group is, else at the first record, and commits after each poll. */
export interface ConsumerOptions {
  readonly address: string;
  readonly topic: string;
  readonly group: string;
  /** Makes a static member. */
  readonly instance?: string;
  readonly sessionTimeoutMs: number;
}

/** A client library, as programs that say what they do. */
export interface VerifiableClient {
  producer(options: ProducerOptions): Command;
  consumer(options: ConsumerOptions): Command;
}

/** Where a record lies, as a key of maps. */
export function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}

/** A client's program while it runs, and what it has said so far. */
export class RunningClient extends Program {
  readonly events: ClientEvent[] = [];
  /** Values by place, of records that were stored or read. */
  readonly records = new Map<string, string>();
  /** Of a consumer, now. */
  readonly assigned = new Set<number>();

  constructor(command: Command) {
    super(command);
    this.onLine((line) => {
      if (line.startsWith('{')) this.note(JSON.parse(line) as ClientEvent);
    });
  }

  get started(): boolean {
    return this.events.some(({ name }) => name === 'startup_complete');
  }

  /** Records that it failed to store. */
  get errors(): ClientEvent[] {
    return this.events.filter(({ name }) => name === 'producer_send_error');
  }

  private note(event: ClientEvent): void {
    this.events.push(event);
    switch (event.name) {
      case 'producer_send_success':
      case 'record_data':
        this.records.set(placeOf(event), event.value);
        return;
      case 'partitions_assigned':
        for (const { partition } of event.partitions) this.assigned.add(partition);
        return;
      case 'partitions_revoked':
      case 'partitions_lost':
        for (const { partition } of event.partitions) this.assigned.delete(partition);
        return;
      default:
        return;
    }
  }
}
