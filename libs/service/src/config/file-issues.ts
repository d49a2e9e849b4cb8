import type Type from 'typebox';
import { Errors } from 'typebox/schema';

/** A configuration file cannot be read, or is not valid. Each line of the message names one place. */
export class ConfigFileError extends Error {
  override readonly name: string = 'ConfigFileError';
}

/** What is wrong with the value of a configuration file, each with its path: `jobs[0].sink.bucket: is required`. */
export function fileIssues(schema: Type.TSchema, value: unknown, prefix: string): string[] {
  const issues = new Set<string>();
  const [, errors] = Errors(schema, value);
  for (const { keyword, instancePath, message, params } of errors) {
    const place = placeOf(`${prefix}${instancePath}`);
    const add = (name: string, issue: string): void => void issues.add(`${name || 'the file'}: ${issue}`);
    switch (keyword) {
      case 'required':
        for (const name of params.requiredProperties)
          add(place === '' ? name : `${place}.${name}`, 'is required');
        break;
      case 'enum':
        add(place, `expected one of ${params.allowedValues.join(', ')}`);
        break;
      // Unknown members are reported twice: at their own path and at that of their parent.
      case 'boolean':
        add(place, 'is unknown');
        break;
      case 'additionalProperties':
        break;
      default:
        add(place, message);
    }
  }
  return [...issues];
}

function placeOf(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .replace(/^\./, '');
}
