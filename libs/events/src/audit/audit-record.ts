import { isUtf8 } from 'node:buffer';
import Type from 'typebox';
import { EARLIEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS, Uuid } from '../schema/primitives.js';
import { compileValidator } from '../schema/validation.js';

/** Length of the interval that a record counts. */
export const AUDIT_INTERVAL_MS = 60_000;

/** Maximum number of reasons in a record; further ones are counted together as `other`. */
export const MAX_REASONS = 32;

const MAX_REASON_CHARS = 100;

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/**
 * What one process of a stage did with the events of a provider and a topic that it received within one minute. Counts grow
 * within the minute: of several records of the same process, minute, topic and provider, the one with the highest counts
 * replaces the others. A record that is lost or repeated therefore changes nothing once another one follows.
 */
export const AuditRecord = Type.Object(
  {
    stage: Type.Enum(['ingest']),
    /** Identifies the process from its start to its end. */
    process_id: Uuid,
    /** Start of the minute of the receipts, in milliseconds. */
    minute: Type.Integer({ minimum: EARLIEST_TIMESTAMP_MS, maximum: LATEST_TIMESTAMP_MS }),
    topic: Type.String({ maxLength: 249 }),
    provider_id: Uuid,
    /** Events that were written to the topic. */
    accepted: Count,
    /** Items that were rejected, by reason; a request that was not a list of items counts as one. */
    rejected: Type.Array(
      Type.Object(
        { reason: Type.String({ minLength: 1, maxLength: MAX_REASON_CHARS }), count: Count },
        { additionalProperties: false },
      ),
      { maxItems: MAX_REASONS },
    ),
  },
  { additionalProperties: false },
);
export type AuditRecord = Type.Static<typeof AuditRecord>;

const validator = compileValidator(AuditRecord);

/** The key of a record: its stage and minute. */
export function auditKey({ stage, minute }: Pick<AuditRecord, 'stage' | 'minute'>): string {
  return `${stage}/${minute}`;
}

/** Decodes the value of a record; `null` if it is not an {@link AuditRecord}. */
export function decodeAuditRecord(value: Buffer | null): AuditRecord | null {
  if (value === null || !isUtf8(value)) return null;
  let record: unknown;
  try {
    record = JSON.parse(value.toString('utf8'));
  } catch {
    // Written by another program: the caller counts it.
    return null;
  }
  return validator.check(record) ? record : null;
}
