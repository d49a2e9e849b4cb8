/**
 * The part of a usage text that describes one command: the lines that begin with its name, each with the indented lines after
 * it. `undefined` if the text does not describe it.
 *
 * @param usage of a program with several commands: a line per command (`name OPTIONS`), followed by indented lines
 */
export function commandUsage(usage: string, command: string): string | undefined {
  let isCommand = false;
  const lines = usage.split('\n').filter((line) => {
    if (!line.startsWith(' ')) isCommand = line === command || line.startsWith(`${command} `);
    return isCommand;
  });
  return lines.length === 0 ? undefined : lines.join('\n');
}
