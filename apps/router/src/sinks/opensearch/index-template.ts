import { eventRegistry } from '@hailstream/events';

const BASE_PRIORITY = 100;
/** Longer strings are stored, but cannot be searched. */
const MAX_KEYWORD_CHARS = 1_024;

/** An index template: its name, and the body of the request that creates or replaces it. */
interface IndexTemplate {
  readonly name: string;
  readonly body: object;
}

/** The template of the indexes that match a pattern: times are dates, strings are keywords, `point` is a geo_point. */
export function indexTemplate(pattern: string): IndexTemplate {
  const times = new Set(eventRegistry.families.map(({ fields }) => fields.time));
  return {
    name: `hailstream-${pattern.replaceAll('*', 'any')}`,
    body: {
      index_patterns: [pattern],
      // Templates whose patterns overlap must differ in priority: the more specific one is used.
      priority: BASE_PRIORITY + pattern.length,
      template: {
        mappings: {
          dynamic_templates: [
            {
              strings: {
                match_mapping_type: 'string',
                mapping: { type: 'keyword', ignore_above: MAX_KEYWORD_CHARS },
              },
            },
            // The first heading or speed of an index may happen to be an integer.
            {
              measurements: {
                match_mapping_type: 'long',
                path_match: '*location.*',
                mapping: { type: 'double' },
              },
            },
          ],
          properties: {
            '@timestamp': { type: 'date' },
            point: { type: 'geo_point' },
            ...Object.fromEntries([...times].map((name) => [name, { type: 'date', format: 'epoch_millis' }])),
          },
        },
      },
    },
  };
}
