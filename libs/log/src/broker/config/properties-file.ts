import { readFileSync } from 'node:fs';
import { SettingError } from './settings.js';

/**
 * Reads settings from a file in the form of Kafka's `server.properties`: `name=value` a line; lines that begin with
 * `#` or `!` are comments, and a backslash at the end goes on in the next line. The last of a name holds.
 *
 * @throws SettingError where the file can't be read or a line is no setting
 * @see java.util.Properties
 */
export function readProperties(file: string): Record<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SettingError(`${file} can't be read: ${(cause as Error).message}`, { cause });
  }
  return parseProperties(text, file);
}

/** @param file what errors call the text */
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
      throw new SettingError(`${file}:${first} is not name=value: '${line}'`);
    }
    settings[name] = value.trimEnd().replaceAll('\\\\', '\\');
  }
  return settings;
}

/** Whether a line ends in a backslash that is not itself escaped. */
function goesOn(line: string): boolean {
  const [trailing = ''] = /\\*$/.exec(line) ?? [];
  return trailing.length % 2 === 1;
}
