/*
 * DescribeConfigs (key 32), versions 0-4.
 *
 * - Settings of topics and of this broker, with their sources.
 * - Keys null: all settings. Unknown keys are omitted.
 * - Broker '': the settings that were altered for all brokers.
 *
 * 1 source and synonyms instead of is-default · 3 type and documentation · 4 flexible
 */
import { ConfigSource, type ConfigEntry } from '../config/config.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { entriesOf, errorOf } from './config-resources.js';
import { defineHandler } from './handler.js';
import { uniqueBy } from './repeated.js';

/** Kafka's codes for the types of settings. */
const TYPE_NUMBERS = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;

const request = t.struct({
  resources: t.array(
    t.struct({
      resourceType: t.int8,
      resourceName: t.string,
      configurationKeys: t.nullableArray(t.string),
    }),
  ),
  includeSynonyms: t.since(1, t.boolean, false),
  includeDocumentation: t.since(3, t.boolean, false),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  results: t.array(
    t.struct({
      errorCode: t.int16,
      errorMessage: t.nullableString,
      resourceType: t.int8,
      resourceName: t.string,
      configs: t.array(
        t.struct({
          name: t.string,
          value: t.nullableString,
          readOnly: t.boolean,
          isDefault: t.versions({ last: 0 }, t.boolean, false),
          configSource: t.since(1, t.int8, -1),
          isSensitive: t.boolean,
          synonyms: t.since(
            1,
            t.array(t.struct({ name: t.string, value: t.nullableString, source: t.int8 })),
            [],
          ),
          configType: t.since(3, t.int8, 0),
          documentation: t.since(3, t.nullableString, null),
        }),
      ),
    }),
  ),
});

export const describeConfigs = defineHandler({
  apiKey: 32,
  name: 'DescribeConfigs',
  minVersion: 0,
  maxVersion: 4,
  flexibleFrom: 4,
  request,
  response,
  handle: ({ resources, includeSynonyms, includeDocumentation }, context) => ({
    throttleTimeMs: 0,
    results: uniqueBy(resources, keyOf).map(({ resourceType, resourceName, configurationKeys }) => {
      const resource = { resourceType, resourceName };
      try {
        const entries = entriesOf(resource, context).filter(
          ({ name }) => configurationKeys === null || configurationKeys.includes(name),
        );
        return {
          errorCode: ErrorCode.NONE,
          errorMessage: null,
          ...resource,
          configs: entries.map((entry) => describe(entry, { includeSynonyms, includeDocumentation })),
        };
      } catch (error) {
        return { ...errorOf(error, resource, context), ...resource, configs: [] };
      }
    }),
  }),
});

function keyOf({ resourceType, resourceName }: { resourceType: number; resourceName: string }): string {
  return `${resourceType} ${resourceName}`;
}

function describe(
  { name, value, source, type, readOnly, about, layers }: ConfigEntry,
  asked: { includeSynonyms: boolean; includeDocumentation: boolean },
) {
  return {
    name,
    // Null if not set, as opposed to empty.
    value: value === '' && type !== 'list' && type !== 'string' ? null : value,
    readOnly,
    isDefault: source === ConfigSource.DEFAULT,
    configSource: source,
    isSensitive: false,
    synonyms: asked.includeSynonyms ? [...layers] : [],
    configType: TYPE_NUMBERS[type],
    documentation: asked.includeDocumentation ? about : null,
  };
}
