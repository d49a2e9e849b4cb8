import type { Marker } from '../../../protocol/markers.js';
import type { Undo } from '../producers/producer-states.js';
import type { PlacedBatch, Segment } from '../segment/segment.js';

/** Most bytes gathered into one write. */
const MAX_GROUP_BYTES = 16 << 20;
/** Of a record in its segment: indexes have 31 bits for it. */
export const MAX_RELATIVE_OFFSET = 0x7fffffffn;

/** A batch that waits to be written. */
export interface PendingAppend {
  readonly placed: PlacedBatch;
  /** Where the batch is part of a transaction, or its end. */
  readonly transaction: { readonly producerId: bigint; readonly marker: Marker | undefined } | undefined;
  readonly undo: Undo | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** How many of the batches that wait go into one write: those that fit the segment, at least one. */
export function countTogether(
  pending: readonly PendingAppend[],
  segment: Segment,
  segmentBytes: number,
): number {
  const room = Math.min(MAX_GROUP_BYTES, segmentBytes - segment.sizeBytes);
  let bytes = 0;
  let count = 0;
  for (const { placed } of pending) {
    if (count > 0 && bytes + placed.bytes.length > room) break;
    if (placed.lastOffset - segment.baseOffset > MAX_RELATIVE_OFFSET) break;
    bytes += placed.bytes.length;
    count++;
  }
  return count;
}
