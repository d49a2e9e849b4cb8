import type Type from 'typebox';
import type { FieldIssue } from '../schema/schema-issues.js';
import { locationIssues, withKnownLocation, type Location } from '../schema/location.js';
import { compileValidator, type Validator } from '../schema/validation.js';

/** A topic to create. The keys of `configs` are those of Kafka's topic configs. */
export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** What every event has, whatever its family. */
export interface AnyEvent {
  readonly provider_id: string;
}

/** Names of the fields, and of the table's columns, that identify, order and date an event. */
interface EventFields<Field extends string = string> {
  /** The event's id: a UUID that is unique within its provider. */
  readonly id: Field;
  /** The record's key: events with the same value stay in order. */
  readonly key: Field;
  /** When the event happened, in milliseconds. */
  readonly time: Field;
}

/** Rules that the schema cannot express, applied to events that match it. */
interface EventRules<E = never, Field extends string = string> {
  /** The fields that the rules read: `issues` may be called with an event that has no others. */
  readonly fields: readonly Field[];
  issues(event: E): FieldIssue[];
}

/** One family of events: its endpoint, its topic, its schema, its table. Everything about a family derives from this. */
export interface EventFamily<E extends AnyEvent = AnyEvent, Name extends string = string> {
  /** Identifies the family: `vehicle-events`. */
  readonly name: Name;
  /** Name of the event's schema in OpenAPI and AsyncAPI: `VehicleEvent`. */
  readonly schemaName: string;
  /** Path of ingest that accepts the events: `/events`. */
  readonly path: string;
  /** What a request to {@link path} does, in a few words. */
  readonly summary: string;
  /** What one event describes, in a sentence or two. */
  readonly description: string;
  readonly topic: TopicSpec;
  readonly fields: EventFields;
  /** Table of Postgres schema `ride` that the events are loaded into; `null` if they are not loaded. */
  readonly table: string | null;
  readonly schema: Type.TSchema;
  readonly validator: Validator<E>;
  /** Paths of the fields that are a `Location`: `location`, `trip_attributes.requested_trip_start_location`. */
  readonly locations: readonly string[];
  readonly rules: EventRules | null;
  /** A valid event, for documentation. */
  readonly example: E;
  providerId(event: E): string;
  /** The id that makes retries safe. Unique within the provider only: see {@link identityOf}. */
  id(event: E): string;
  key(event: E): string;
  eventTime(event: E): number;
  /** The event as it is written to the log and as consumers see it: without unknown headings and speeds. */
  normalize(event: E): E;
}

/** What {@link defineEventFamily} makes an {@link EventFamily} of. */
interface EventFamilyDefinition<
  S extends Type.TSchema,
  Name extends string,
  Field extends keyof Type.Static<S> & string,
> {
  readonly name: Name;
  readonly schemaName: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly topic: TopicSpec;
  readonly fields: EventFields<keyof Type.Static<S> & string>;
  readonly table: string | null;
  readonly schema: S;
  /** Paths of the fields that are a `Location`: its rules, and the removal of unknown values, apply to them. @default none */
  readonly locations?: readonly string[];
  /** @default none */
  readonly rules?: EventRules<Pick<Type.Static<S>, Field>, Field>;
  readonly example: Type.Static<S>;
}

/**
 * Compiles the schema of a family.
 *
 * @throws UnsupportedSchemaError if the schema has an unsupported keyword, TypeError if the example is not valid
 */
export function defineEventFamily<
  S extends Type.TSchema,
  const Name extends string,
  Field extends keyof Type.Static<S> & string = never,
>({
  rules,
  locations: paths = [],
  ...definition
}: EventFamilyDefinition<S, Name, Field>): EventFamily<Type.Static<S> & AnyEvent, Name> {
  type E = Type.Static<S> & AnyEvent;
  const { name, schema, example, fields } = definition;
  const locations = paths.map((path) => path.split('.'));
  const validator = compileValidator(schema, (event) => [
    ...locations.flatMap((path) => issuesOfLocation(event as object, path)),
    ...(rules?.issues(event) ?? []),
  ]) as Validator<E>;
  const [issue] = validator.issues(example);
  if (issue !== undefined) throw new TypeError(`example of ${name}: ${issue.field} ${issue.rule}`);
  return {
    ...definition,
    example: example as E,
    validator,
    locations: paths,
    rules: (rules as EventRules | undefined) ?? null,
    providerId: (event) => event.provider_id,
    id: (event) => event[fields.id] as string,
    key: (event) => event[fields.key] as string,
    eventTime: (event) => event[fields.time] as number,
    normalize: (event) => {
      let known = event;
      for (const path of locations) known = withKnownLocation(known, path);
      return known;
    },
  };
}

function issuesOfLocation(event: object, path: readonly string[]): FieldIssue[] {
  let value: object | undefined = event;
  for (const name of path)
    value = (value as Readonly<Record<string, object | undefined>> | undefined)?.[name];
  return value === undefined ? [] : locationIssues(value as Location, path.join('.'));
}

/**
 * Returns a text that two events share if and only if they are the same event: id and provider. Providers choose ids
 * independently, so ids of different providers may collide.
 */
export function identityOf<E extends AnyEvent>(family: EventFamily<E>, event: E): string {
  return `${family.id(event)}/${family.providerId(event)}`;
}
