/** Returns an SQL expression for the timestamptz of a number of milliseconds since 1970. */
export function timeFromMs(expression: string): string {
  return `'epoch'::timestamptz + ${expression} * interval '1 millisecond'`;
}

/** Returns an SQL expression for the milliseconds since 1970 of a timestamptz, as float8, which is exact until 2255. */
export function msFromTime(expression: string): string {
  return `round(date_part('epoch', ${expression}) * 1000)`;
}
