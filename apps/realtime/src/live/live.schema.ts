import { compileValidator, Uuid, type FieldIssue } from '@hailstream/events';
import type { VehicleQuery, ViewportRequest } from '@hailstream/events/live';
import Type from 'typebox';

/** Maps that repeat the world use longitudes beyond 180°: one repetition is accepted. */
const Longitude = Type.Number({ minimum: -540, maximum: 540 });
const Latitude = Type.Number({ minimum: -90, maximum: 90 });

const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const ViewportMessage = Type.Object(
  {
    west: Longitude,
    south: Latitude,
    east: Longitude,
    north: Latitude,
    providerId: Type.Optional(Uuid),
    counts: Type.Optional(Type.Boolean()),
    resume: Type.Optional(
      Type.Object(
        { epoch: Count, sequence: Count, view: Type.String({ maxLength: 200 }) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

const viewportValidator = compileValidator(ViewportMessage, ({ south, north }) =>
  south > north ? [{ kind: 'invalid', field: 'south', rule: 'must not be greater than north' }] : [],
);
const WatchedVehicle = Type.Object(
  { deviceId: Uuid, providerId: Type.Union([Uuid, Type.Null()]) },
  { additionalProperties: false },
);
export const WatchMessage = Type.Union([WatchedVehicle, Type.Null()]);

const watchValidator = compileValidator(WatchedVehicle);
const idValidator = compileValidator(Uuid);

/** A parsed message, or the reason why it is refused. */
export type Parsed<T> = { readonly value: T } | { readonly refusal: string };

export function parseViewport(message: unknown): Parsed<ViewportRequest> {
  return viewportValidator.check(message) ? { value: message } : refuse(viewportValidator.issues(message));
}

/** A device id alone is accepted too: it selects the vehicle with that id of any provider. */
export function parseWatch(message: unknown): Parsed<VehicleQuery | null> {
  if (message === null) return { value: null };
  if (idValidator.check(message)) return { value: { deviceId: message, providerId: null } };
  if (watchValidator.check(message)) return { value: message };
  return { refusal: 'must be a device id, { deviceId, providerId } or null' };
}

function refuse(issues: readonly FieldIssue[]): { refusal: string } {
  return { refusal: issues.map(({ field, rule }) => `${field || 'viewport'} ${rule}`).join('; ') };
}
