import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './usage-error.js';

type Options = NonNullable<ParseArgsConfig['options']>;

type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: boolean }>
>;

/** @throws UsageError if an argument is not one of the options, or an option has no value */
export function parseOptions<O extends Options>(args: readonly string[], options: O): Parsed<O>['values'] {
  return parseArguments(args, options, false).values;
}

/** Options and positional arguments. @throws UsageError if an option is unknown or has no value */
export function parsePositionals<O extends Options>(args: readonly string[], options: O): Parsed<O> {
  return parseArguments(args, options, true);
}

function parseArguments<O extends Options>(
  args: readonly string[],
  options: O,
  allowPositionals: boolean,
): Parsed<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}
