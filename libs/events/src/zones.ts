import Type from 'typebox';
import type { VehicleState } from './families/vehicle-states.js';
import { compileValidator } from './schema/validation.js';

export const ZONE_ID_PATTERN = '^[a-z0-9][a-z0-9-]{0,62}$';

const Position = Type.Array(Type.Number(), { minItems: 2, maxItems: 4 });
const Polygon = Type.Array(Type.Array(Position, { minItems: 1 }), { minItems: 1 });

/** A geofence as a GeoJSON feature. Rings are checked where zones are loaded: closed, with an area, within the limits. */
export const ZoneFeature = Type.Object(
  {
    type: Type.Literal('Feature'),
    id: Type.String({ pattern: ZONE_ID_PATTERN }),
    properties: Type.Object(
      { name: Type.String({ minLength: 1, maxLength: 100 }) },
      { additionalProperties: false },
    ),
    geometry: Type.Union([
      Type.Object({ type: Type.Literal('Polygon'), coordinates: Polygon }, { additionalProperties: false }),
      Type.Object(
        { type: Type.Literal('MultiPolygon'), coordinates: Type.Array(Polygon, { minItems: 1 }) },
        { additionalProperties: false },
      ),
    ]),
  },
  { additionalProperties: false },
);
export type ZoneFeature = Type.Static<typeof ZoneFeature>;

export const zoneValidator = compileValidator(ZoneFeature);

/** Completed and ongoing visits of a period. Durations are in milliseconds; `null` without a visit. */
export interface ZoneVisits {
  readonly entries: number;
  readonly exits: number;
  readonly dwellP50Ms: number | null;
  readonly dwellP90Ms: number | null;
  readonly dwellLongestMs: number | null;
}

/** A zone with what the vehicles that the token may see do in it. */
export interface ZoneSummary {
  readonly id: string;
  readonly name: string;
  /** `file`: it is in the zones file. `page`: it was drawn, and can be removed. */
  readonly source: 'file' | 'page';
  readonly geometry: ZoneFeature['geometry'];
  /** Vehicles that are in it now, by state. Silent vehicles are counted in `silent` only. */
  readonly inside: Readonly<Record<VehicleState | 'unknown' | 'silent', number>>;
  readonly lastHour: ZoneVisits;
  readonly lastDay: ZoneVisits;
}

/** Response of `GET /zones`, in the order of their names. */
export interface ZoneList {
  readonly asOf: number;
  /** Since when positions were compared: entries, exits and dwell times before are not known. `null` without a position. */
  readonly countedSince: number | null;
  /** Whether the token may draw and remove zones. */
  readonly mayChange: boolean;
  /** Why drawn zones cannot be loaded or saved at the moment; `null` if they can. */
  readonly problem: string | null;
  readonly zones: readonly ZoneSummary[];
}
