import { compileValidator, Uuid } from '@hailstream/events';
import type { OpenHistory, SeekHistory, VehicleRef } from '@hailstream/events/live';
import Type from 'typebox';
import { parseViewport, ViewportMessage, type Parsed } from '../live/live.schema.js';

const MAX_SPEED = 60;

const seekFields = {
  seek: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  at: Type.Number({ minimum: 0, maximum: 8_640_000_000_000_000 }),
};
export const SeekMessage = Type.Object(seekFields, { additionalProperties: false });
export const OpenMessage = Type.Object(
  {
    ...seekFields,
    by: Type.Union([Type.Literal('event'), Type.Literal('received')]),
    viewport: ViewportMessage,
  },
  { additionalProperties: false },
);
export const PlayMessage = Type.Object(
  { speed: Type.Number({ minimum: 1, maximum: MAX_SPEED }) },
  { additionalProperties: false },
);
const WatchedVehicle = Type.Object({ deviceId: Uuid, providerId: Uuid }, { additionalProperties: false });
export const WatchHistoryMessage = Type.Union([WatchedVehicle, Type.Null()]);

const seekValidator = compileValidator(SeekMessage);
const openValidator = compileValidator(OpenMessage);
const playValidator = compileValidator(PlayMessage);
const watchedValidator = compileValidator(WatchedVehicle);

export function parseOpen(message: unknown): Parsed<OpenHistory> {
  if (!openValidator.check(message)) {
    return { refusal: 'must be { seek, at, by, viewport }, with by event or received' };
  }
  const viewport = parseViewport(message.viewport);
  return 'refusal' in viewport ? viewport : { value: { ...message, viewport: viewport.value } };
}

export function parseSeek(message: unknown): Parsed<SeekHistory> {
  return seekValidator.check(message) ? { value: message } : { refusal: 'must be { seek, at }' };
}

export function parsePlay(message: unknown): Parsed<{ readonly speed: number }> {
  return playValidator.check(message)
    ? { value: message }
    : { refusal: `must be { speed }, from 1 to ${MAX_SPEED}` };
}

export function parseWatched(message: unknown): Parsed<VehicleRef | null> {
  if (message === null || watchedValidator.check(message)) return { value: message };
  return { refusal: 'must be { deviceId, providerId } or null' };
}
