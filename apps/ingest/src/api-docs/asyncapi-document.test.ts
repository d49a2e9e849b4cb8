import { createRequire } from 'node:module';
import { eventRegistry } from '@hailstream/events';
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { asyncApiDocument } from './asyncapi-document.js';

describe(asyncApiDocument, () => {
  const document = asyncApiDocument(eventRegistry.families);

  describe("the specification's own JSON schema", () => {
    let issues: (value: object) => unknown[];

    beforeAll(() => {
      const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0.json') as object;
      // The schema contains its meta-schema, and formats that Ajv does not know.
      const validate = new Ajv({ meta: false, strict: false, validateFormats: false }).compile(schema);
      issues = (value) => (validate(value) ? [] : (validate.errors ?? []));
    });

    it('accepts the document', () => {
      expect(issues(document)).toEqual([]);
    });

    it('rejects a document without channels of the right shape', () => {
      expect(issues({ ...document, channels: { telemetry: { address: 7 } } })).not.toEqual([]);
    });
  });

  it('has no reference to something that it does not contain', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!);
    expect(refs.length).toBeGreaterThan(0);
    const dangling = refs.filter((path) => {
      const target = path
        .split('/')
        .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document);
      return target === undefined;
    });
    expect(dangling).toEqual([]);
  });

  it('describes audit records', () => {
    expect(document).toMatchObject({
      channels: { audit: { address: 'ride.audit', bindings: { kafka: { partitions: 3 } } } },
      operations: { 'send-audit': { action: 'send', channel: { $ref: '#/channels/audit' } } },
      components: { schemas: { AuditRecord: { type: 'object' } } },
    });
  });

  it('describes topic, partitions, key and payload of every family', () => {
    for (const { name, schemaName, topic, fields, schema, example } of eventRegistry.families) {
      expect(document).toMatchObject({
        channels: { [name]: { address: topic.name, bindings: { kafka: { partitions: topic.partitions } } } },
        operations: { [`send-${name}`]: { action: 'send', channel: { $ref: `#/channels/${name}` } } },
        components: {
          messages: {
            [schemaName]: {
              bindings: { kafka: { key: { description: `The event's ${fields.key}` } } },
              examples: [{ payload: example }],
            },
          },
          schemas: { [schemaName]: schema },
        },
      });
    }
  });
});
