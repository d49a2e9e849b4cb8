import { Program, type Command } from './programs.js';

interface Place {
  readonly topic: string;
  readonly partition: number;
}

interface PlacedRecord extends Place {
  readonly offset: number;
  readonly value: string;
}

/**
 * The output of Kafka's VerifiableProducer and VerifiableConsumer, one JSON object per line. Our programs have the
 * same output.
 */
type ClientEvent =
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

/** Producers use the keys 0, 1, 2, … in turn. There are enough for all partitions. */
export const KEYS = 100;

/** Idempotent, with acks=all. The values are 0, 1, 2, … */
interface ProducerOptions {
  readonly address: string;
  readonly topic: string;
  readonly count: number;
  /** Records per second. */
  readonly rate: number;
}

/** Starts at the committed offset or at the earliest record, and commits after each poll. */
interface ConsumerOptions {
  readonly address: string;
  readonly topic: string;
  readonly group: string;
  /** Makes the member static. */
  readonly instance?: string;
  readonly sessionTimeoutMs: number;
}

/** A client library, as programs that report what they do. */
export interface VerifiableClient {
  producer(options: ProducerOptions): Command;
  consumer(options: ConsumerOptions): Command;
}

/** The position of a record as a map key. */
function placeOf({ partition, offset }: { partition: number; offset: number }): string {
  return `${partition}:${offset}`;
}

/** A running client program and its output so far. */
export class RunningClient extends Program {
  readonly events: ClientEvent[] = [];
  /** Values of stored or read records by position. */
  readonly records = new Map<string, string>();
  /** The current assignment of a consumer. */
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

  /** Records that could not be stored. */
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
