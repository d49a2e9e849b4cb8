import {
  riderEventFamily,
  telemetryFamily,
  tripFamily,
  vehicleEventFamily,
  type EventFamily,
} from '@hailstream/events';
import type { CityEvent } from '../fold/city-state.js';

/** Most of what is wrong with a record that is told. */
const MAX_ISSUES_TOLD = 3;

/** A record that holds no event of its topic's family. */
export class UndecodableRecordError extends Error {
  override readonly name = 'UndecodableRecordError';

  constructor(
    readonly code: 'NO_VALUE' | 'NOT_JSON' | 'NOT_OF_THE_FAMILY',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Turns a record's value into the event it is. @throws UndecodableRecordError */
export type Decode = (value: Buffer | null) => CityEvent;

/** How records are decoded, by topic. */
export const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  [telemetryFamily.topic.name, (value) => ({ kind: 'telemetry', event: parse(value, telemetryFamily) })],
  [
    vehicleEventFamily.topic.name,
    (value) => ({ kind: 'vehicle-event', event: parse(value, vehicleEventFamily) }),
  ],
  [riderEventFamily.topic.name, (value) => ({ kind: 'rider-event', event: parse(value, riderEventFamily) })],
  [tripFamily.topic.name, (value) => ({ kind: 'trip', event: parse(value, tripFamily) })],
]);

function parse<T>(value: Buffer | null, family: EventFamily<T>): T {
  if (value === null) throw new UndecodableRecordError('NO_VALUE', 'the record has no value');
  const event = parseJson(value);
  if (family.validator.check(event)) return family.normalize(event);
  const issues = family.validator
    .issues(event)
    .slice(0, MAX_ISSUES_TOLD)
    .map(({ field, rule }) => `${field || 'the value'} ${rule}`);
  throw new UndecodableRecordError('NOT_OF_THE_FAMILY', `not an event of this topic: ${issues.join('; ')}`);
}

function parseJson(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString('utf8'));
  } catch (error) {
    throw new UndecodableRecordError('NOT_JSON', 'the value is not JSON', { cause: error });
  }
}
