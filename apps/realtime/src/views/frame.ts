import type { Figures, Frame, GoneRow, VehicleRow } from '@hailstream/events/live';
import type { ProviderNumbers } from './provider-numbers.js';

/** What a frame is made from. */
export interface FrameContent {
  readonly vehicles: readonly VehicleRow[];
  readonly gone: readonly GoneRow[];
  readonly figures: Figures;
  readonly asOf: number;
  readonly tickMs: number;
}

/** A frame, with the ids of the providers that its rows refer to. */
export function frame(content: FrameContent, numbers: ProviderNumbers): Frame {
  const { asOf, tickMs, vehicles, gone, figures } = content;
  const providers: Record<number, string> = {};
  for (const row of vehicles) providers[row[7]] ??= numbers.idOf(row[7]);
  for (const row of gone) providers[row[1]] ??= numbers.idOf(row[1]);
  return { asOf, tickMs, providers, vehicles, gone, figures };
}
