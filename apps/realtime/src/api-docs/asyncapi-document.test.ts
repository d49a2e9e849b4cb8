import { createRequire } from 'node:module';
import { alertValidator, revocationValidator, zoneValidator } from '@hailstream/events';
import type { ClientToServer, ServerToClient } from '@hailstream/events/live';
import { Ajv } from 'ajv';
import type Type from 'typebox';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { asyncApiDocument } from './asyncapi-document.js';
import { clientMessages, serverMessages, type LiveMessage } from './live-messages.js';

interface Ref {
  readonly $ref: string;
}

interface Document {
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, Ref>> }>
  >;
  readonly operations: Readonly<
    Record<string, { readonly action: string; readonly channel: Ref; readonly messages: readonly Ref[] }>
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<string, { readonly payload: object; readonly examples?: readonly { payload: unknown }[] }>
    >;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

const document = JSON.parse(JSON.stringify(asyncApiDocument())) as Document;

/** All names, which the compiler checks: a message that is added to the types has to be added here. */
const sent: Readonly<Record<keyof ServerToClient, true>> = {
  snapshot: true,
  frame: true,
  binary: true,
  vehicle: true,
  status: true,
  alerts: true,
  refused: true,
  historySnapshot: true,
  historyFrame: true,
  historyVehicle: true,
  historyStatus: true,
};
const received: Readonly<Record<keyof ClientToServer, true>> = {
  viewport: true,
  watch: true,
  openHistory: true,
  seekHistory: true,
  playHistory: true,
  pauseHistory: true,
  historyViewport: true,
  watchHistory: true,
  closeHistory: true,
};

/** Contents as the schemas describe them, and as the types do. */
type Described<Messages extends Readonly<Record<string, LiveMessage>>> = {
  [Name in keyof Messages]: ContentOf<Messages[Name]['content']>;
};
type ContentOf<Content> = Content extends { readonly schema: infer S extends Type.TSchema }
  ? Type.Static<S>
  : null;
type Typed<Messages> = {
  [Name in keyof Messages]: Messages[Name] extends (...content: infer Content) => void
    ? Content extends [infer Only]
      ? Only
      : null
    : never;
};

describe(asyncApiDocument, () => {
  const names = (refs: readonly Ref[]) => refs.map(({ $ref }) => $ref.split('/').at(-1)).toSorted();

  it("is accepted by the specification's own JSON schema", () => {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object;
    // The schema contains its meta-schema, and formats that Ajv does not know.
    const validate = new Ajv({ meta: false, strict: false, validateFormats: false }).compile(schema);
    const issues = (value: object) => (validate(value) ? [] : (validate.errors ?? []));
    expect(issues(document)).toEqual([]);
    expect(issues({ ...document, channels: { socket: { address: 7 } } })).not.toEqual([]);
  });

  it('has every message of the types, in the direction in which it is sent', () => {
    const { sendLive, receiveLive } = document.operations;
    expect(names(sendLive!.messages)).toEqual(Object.keys(sent).toSorted());
    expect(names(receiveLive!.messages)).toEqual(Object.keys(received).toSorted());
    expect(Object.keys(document.channels['socket']!.messages).toSorted()).toEqual(
      Object.keys({ ...sent, ...received }).toSorted(),
    );
  });

  it('has schemas of the contents that the types describe', () => {
    expectTypeOf<Described<typeof serverMessages>>().toExtend<Typed<ServerToClient>>();
    expectTypeOf<Described<typeof clientMessages>>().toExtend<Typed<ClientToServer>>();
  });

  it('has the messages of the stream', () => {
    const inStream = ['frame', 'refused', 'snapshot', 'status', 'vehicle'];
    expect(names(document.operations['sendStream']!.messages)).toEqual(inStream);
    expect(document.channels['stream']!.address).toBe('/stream');
  });

  it('has the topics that this service writes, with valid examples', () => {
    const { channels, components, operations } = document;
    const names = ['alerts', 'sessions', 'zones'];
    expect(names.map((name) => channels[name]?.address)).toEqual(names.map((name) => `ride.${name}`));
    for (const name of names.flatMap((each) => [`send-${each}`, `receive-${each}`]))
      expect(operations[name]?.messages).toHaveLength(1);
    const exampleOf = (name: string) => components.messages[name]?.examples?.[0]?.payload;
    expect(alertValidator.issues(exampleOf('AlertRecord'))).toEqual([]);
    expect(zoneValidator.issues(exampleOf('ZoneFeature'))).toEqual([]);
    expect(revocationValidator.issues(exampleOf('RevocationRecord'))).toEqual([]);
  });

  it('has no reference to something that it does not contain', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(refs.length).toBeGreaterThan(Object.keys({ ...sent, ...received }).length);
    const targetOf = (path: string) =>
      path
        .split('/')
        .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);
    expect(refs.filter((path) => targetOf(path) === undefined)).toEqual([]);
  });
});
