import type { Figures } from '@hailstream/events/live';

/** All vehicles that figures count, silent ones included. */
export function vehiclesOf({ byState, silent }: Figures): number {
  return Object.values(byState).reduce((sum, count) => sum + count, silent);
}
