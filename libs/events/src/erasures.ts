import Type from 'typebox';
import { Timestamp, Uuid } from './schema/primitives.js';
import { compileValidator } from './schema/validation.js';

/** Whose events can be erased. A device stands for the driver of the vehicle. */
export const erasureKinds = ['rider', 'device'] as const;
export type ErasureKind = (typeof erasureKinds)[number];

/**
 * The order to erase everything about a rider or a device, of all providers. Consumers drop what they have of it, and ignore
 * its events from then on, earlier ones in the log included. They ignore fields that they do not know.
 */
export const ErasureRecord = Type.Object({
  kind: Type.Enum<ErasureKind[]>([...erasureKinds]),
  /** `rider_id` or `device_id` of the events. */
  id: Uuid,
  requested_at: Timestamp,
});
export type ErasureRecord = Type.Static<typeof ErasureRecord>;

export const erasureValidator = compileValidator(ErasureRecord);

/** For documentation. */
export const erasureExample: ErasureRecord = {
  kind: 'rider',
  id: '0197a1c8-6f71-7d49-b2a5-9ed041721f66',
  requested_at: 1_750_406_400_000,
};
