import {
  EventScanner,
  UnsupportedSchemaError,
  type EventFamily,
  type ScannedField,
} from '@hailstream/events';
import { scannedField, type Column, type ScannedColumn } from './column.js';
import type { SubjectFields } from './event-subject.js';

/** How the rows of a table are written from scanned events. */
export interface ScannedTable {
  readonly scanner: EventScanner;
  readonly id: ScannedField;
  readonly provider: ScannedField;
  readonly time: ScannedField;
  readonly columns: readonly ScannedColumn[];
  readonly personal: readonly ScannedField[];
  readonly device: ScannedField | null;
  readonly trips: ScannedField | null;
}

interface TableFields {
  readonly columns: readonly Column[];
  readonly personal: readonly string[];
  readonly subject: SubjectFields | null;
}

/**
 * Returns how to write rows from scanned events; `null` if the schema of the family cannot be scanned, so that all of its events
 * are decoded.
 *
 * @throws TypeError if the schema lacks a field
 */
export function scannedTable(
  family: EventFamily,
  { columns, personal, subject }: TableFields,
): ScannedTable | null {
  const scanner = scannerOf(family);
  if (scanner === null) return null;
  const { id, time } = family.fields;
  const uuidField = (path: string): ScannedField => scannedField(scanner, path, 'uuid');
  const tripsPath = subject?.trips ?? null;
  return {
    scanner,
    id: uuidField(id),
    provider: uuidField('provider_id'),
    time: scannedField(scanner, time, 'number'),
    columns: columns.map((column) => column.ofScanned(scanner)),
    personal: personal.map(uuidField),
    device: typeof subject?.device === 'string' ? uuidField(subject.device) : null,
    trips: tripsPath === null ? null : (scanner.fields.get(tripsPath) ?? uuidField(tripsPath)),
  };
}

function scannerOf(family: EventFamily): EventScanner | null {
  try {
    return new EventScanner(family);
  } catch (error) {
    if (error instanceof UnsupportedSchemaError) return null;
    throw error;
  }
}
