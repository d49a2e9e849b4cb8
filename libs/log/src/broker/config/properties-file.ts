import { readFileSync } from 'node:fs';
import { SettingError } from './settings/settings.js';

/**
 * Reads settings from a file in the format of Kafka's `server.properties`: one `name=value` per line. Lines that begin
 * with `#` or `!` are comments, and a backslash at the end continues a line. The last value of a name is used.
 *
 * @throws SettingError if the file cannot be read or a line is invalid
 * @see java.util.Properties
 */
export function readProperties(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SettingError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return parseProperties(text, file);
}

/** @param file name for error messages */
export function parseProperties(text: string, file: string): Record<string, string> {
  const settings: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const first = i + 1;
    let line = (lines[i] as string).trimStart();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (goesOn(line) && i + 1 < lines.length)
      line = line.slice(0, -1) + (lines[++i] as string).trimStart();
    const [, name, value] = /^([^\s=:]+)(?:\s*[=:]\s*|\s+)(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new SettingError(`${file}:${first} must be name=value, got '${line}'`);
    }
    settings[name] = value.trimEnd().replaceAll('\\\\', '\\');
  }
  return settings;
}

/** Whether a line ends in an unescaped backslash. */
function goesOn(line: string): boolean {
  const [trailing = ''] = /\\*$/.exec(line) ?? [];
  return trailing.length % 2 === 1;
}
