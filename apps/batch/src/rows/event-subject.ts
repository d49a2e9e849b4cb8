import type { FamilyName } from '@hailstream/events';

/** The fields of a family's events with the vehicle and the trips that they are about. */
export interface SubjectFields {
  readonly device: string | null;
  /** One trip, or a list of them. */
  readonly trips: string | null;
}

/** The families that trips are rebuilt from. The trips that providers report are not one of them. */
const subjects: { readonly [Name in FamilyName]?: SubjectFields } = {
  telemetry: { device: 'device_id', trips: null },
  'vehicle-events': { device: 'device_id', trips: 'trip_ids' },
  'rider-events': { device: null, trips: 'trip_id' },
};

/** Returns the subject of a family's events; `null` if trips are not rebuilt from them. */
export function subjectsOf(familyName: string): SubjectFields | null {
  return (subjects as Readonly<Record<string, SubjectFields>>)[familyName] ?? null;
}
