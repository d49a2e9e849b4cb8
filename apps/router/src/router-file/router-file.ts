import { readFileSync } from 'node:fs';
import { erasureTopic, eventRegistry } from '@hailstream/events';
import { fileIssues } from '@hailstream/service/config';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { compileFilter, FilterError, type Event } from './filter.js';
import { sinkSchemas, type SinkSpec, type SinkType } from './sink-specs.js';

const Job = Type.Object(
  {
    /** Also names the job's consumer group. */
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'a name of a-z, 0-9 and "-"' }),
    topics: Type.Array(Type.String({ pattern: '^[a-zA-Z0-9._-]{1,249}$' }), {
      minItems: 1,
      uniqueItems: true,
    }),
    /** An expression; see filter.ts. @default all records */
    filter: Type.Optional(Type.String({ minLength: 1 })),
    sink: Type.Object({ type: Type.Enum(Object.keys(sinkSchemas)) }),
    batching: Type.Unknown({ default: {} }),
    /** Batches in memory at the same time. */
    concurrency: Type.Integer({ minimum: 1, maximum: 64, default: 2 }),
  },
  { additionalProperties: false },
);

/** A routing job: topics of the log, the records that are selected, and the sink that they are delivered to. */
export type JobSpec = Omit<Type.Static<typeof Job>, 'sink' | 'batching'> & {
  /** Whether to deliver an event: the filter, compiled. */
  readonly matches: (event: Event) => boolean;
} & SinkSpec;

/** A job with a sink of this type. */
export type JobOf<T extends SinkType> = Extract<JobSpec, { readonly sink: { readonly type: T } }>;

/** Whether the job's sink is of this type. */
export function isJobOf<T extends SinkType>(spec: JobSpec, type: T): spec is JobOf<T> {
  return spec.sink.type === type;
}

/** The topics that a job reads: those with events of riders and devices require the erasures, too. */
export function subscribedTopics({ topics }: Pick<JobSpec, 'topics'>): readonly string[] {
  const isPersonal = topics.some((topic) => eventRegistry.byTopic.has(topic));
  return isPersonal ? [...new Set([...topics, erasureTopic.name])] : topics;
}

const RouterFile = Type.Object(
  { jobs: Type.Array(Job, { minItems: 1, maxItems: 100 }) },
  { additionalProperties: false },
);

/** The router file cannot be read, or is not valid. Each line of the message names one place. */
export class RouterFileError extends Error {
  override readonly name = 'RouterFileError';
  readonly code = 'ROUTER_FILE';
}

/**
 * Reads the jobs from a YAML file.
 *
 * @throws RouterFileError if the file cannot be read or is not valid
 */
export function readRouterFile(path: string): readonly JobSpec[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new RouterFileError(`${path}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, {
      cause: error,
    });
  }
  return parseRouterFile(text, path);
}

/** Parses the text of a router file; `path` names it in messages. @throws RouterFileError if it is not valid */
export function parseRouterFile(text: string, path: string): readonly JobSpec[] {
  const document = parseDocument(text);
  const [syntaxError] = document.errors;
  if (syntaxError)
    throw new RouterFileError(`${path}: ${syntaxError.message.split('\n')[0]}`, { cause: syntaxError });
  const file: unknown = Value.Default(RouterFile, document.toJS() ?? {});
  const issues = fileIssues(RouterFile, file, '');
  if (issues.length > 0) throw invalid(path, issues);
  const { jobs } = file as Type.Static<typeof RouterFile>;
  const jobIssues: string[] = [];
  const specs = jobs.map((job, index): JobSpec => {
    const schemas = sinkSchemas[job.sink.type as SinkType];
    const sink: unknown = Value.Default(schemas.sink, job.sink);
    const batching: unknown = Value.Default(schemas.batching, job.batching);
    jobIssues.push(...fileIssues(schemas.sink, sink, `/jobs/${index}/sink`));
    jobIssues.push(...fileIssues(schemas.batching, batching, `/jobs/${index}/batching`));
    if ('format' in job.sink && job.sink.format === 'parquet') {
      const unknown = job.topics.filter((topic) => !eventRegistry.byTopic.has(topic));
      for (const topic of unknown) {
        jobIssues.push(
          `jobs[${index}].sink.format: parquet requires topics with an event family, "${topic}" has none`,
        );
      }
    }
    if ('type' in job.sink && job.sink.type === 's3' && job.topics.includes(erasureTopic.name)) {
      jobIssues.push(
        `jobs[${index}].topics: "${erasureTopic.name}" has ids of erased people and cannot be stored`,
      );
    }
    const { filter } = job;
    let matches: JobSpec['matches'] = () => true;
    try {
      if (filter !== undefined) matches = compileFilter(filter);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      jobIssues.push(`jobs[${index}].filter: ${error.message}`);
    }
    return { ...job, ...({ sink, batching } as SinkSpec), matches };
  });
  if (jobIssues.length > 0) throw invalid(path, jobIssues);
  const names = jobs.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) throw invalid(path, [`jobs: two jobs have the name "${repeated}"`]);
  return specs;
}

function invalid(path: string, issues: readonly string[]): RouterFileError {
  return new RouterFileError(issues.map((issue) => `${path}: ${issue}`).join('\n'));
}
