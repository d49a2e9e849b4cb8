/** What the cells on the map show. */
export const heatChoices = ['none', 'balance', 'demand', 'supply'] as const;
export type HeatChoice = (typeof heatChoices)[number];

/** Minutes of ride requests that are counted. */
export const heatMinutes = [5, 15, 30, 60] as const;
export type HeatMinutes = (typeof heatMinutes)[number];

/** The list that is open. */
export const listChoices = ['none', 'speeding', 'still'] as const;
export type ListChoice = (typeof listChoices)[number];

/** Which of the vehicles that stand still are listed. */
export const stillStates = ['all', 'on_trip', 'available'] as const;
export type StillState = (typeof stillStates)[number];

/** Minutes after which vehicles that stand still are listed. */
export const stillMinutes = [3, 5, 10, 15, 30, 60] as const;

/** What the service accepts: minutes, and km/h. */
export const STILL_LIMITS = { minimum: 2, maximum: 60 } as const;
export const SPEED_LIMITS = { minimum: 1, maximum: 1_000 } as const;
