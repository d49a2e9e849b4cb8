import { eventRegistry, identityOf } from '@hailstream/events';
import { timeOf, type CityEvent } from '../fold/city-state.js';
import { isNewer } from '../fold/newest.js';

/** An event that was read from the log, and when it happened and was received. */
export interface Occurrence<Input extends CityEvent = CityEvent> {
  readonly input: Input;
  /** By `eventTimeAt`. */
  readonly at: number;
  readonly receivedAt: number;
}

export type OccurrenceOf<Kind extends CityEvent['kind']> = Occurrence<CityEvent & { readonly kind: Kind }>;

/** `null` if the time of the event cannot be trusted: the fold skips it, too. */
export function occurrenceOf(input: CityEvent, receivedAt: number): Occurrence | null {
  const at = timeOf(input, receivedAt);
  return at === null ? null : { input, at, receivedAt };
}

export function isOf<Kind extends CityEvent['kind']>(kind: Kind) {
  return (occurrence: Occurrence): occurrence is OccurrenceOf<Kind> => occurrence.input.kind === kind;
}

/** Each event once, by time, whatever their order and repetition. An event counts as received when it was received first. */
export function inOrder<Input extends CityEvent>(
  occurrences: Iterable<Occurrence<Input>>,
): Occurrence<Input>[] {
  const byId = new Map<string, Occurrence<Input>>();
  for (const occurrence of occurrences) {
    const id = idOf(occurrence.input);
    const known = byId.get(id);
    byId.set(id, known === undefined ? occurrence : joined(known, occurrence));
  }
  return [...byId.values()].sort((a, b) => (isNewer(factOf(a), factOf(b)) ? 1 : -1));
}

/** If an event from a clock that is ahead was sent again, the time of the last receipt counts. */
function joined<Input extends CityEvent>(
  one: Occurrence<Input>,
  other: Occurrence<Input>,
): Occurrence<Input> {
  const receivedAt = Math.min(one.receivedAt, other.receivedAt);
  return { ...(one.at >= other.at ? one : other), receivedAt };
}

function idOf({ kind, event }: CityEvent): string {
  return identityOf(eventRegistry.byName.get(kind)!, event);
}

function factOf({ input, at }: Occurrence) {
  const { event } = input;
  const reported = 'timestamp' in event ? event.timestamp : event.end_time;
  return { timestamp: at, lead: reported - at, id: idOf(input) };
}
