import { join } from 'node:path';
import { homeFolder } from '../home/home.js';
import { repositoryRoot } from '../repository.js';

/** The commands that the start screen and the page print for a system: complete, to be copied into a shell. */
interface PrintedCommands {
  /** Prints a link that signs a browser in. */
  readonly signIn: string;
  /** Replays the trace `FILE`. */
  readonly replay: string;
  /** Prints the jobs of the router. */
  readonly jobs: string;
  /** Prints the URL of Postgres with its password, which is in a file that only the user can read. */
  readonly databaseUrl: string;
}

export function printedCommands(home: string): PrintedCommands {
  const isDefault = home === homeFolder(undefined, { cwd: repositoryRoot, root: repositoryRoot });
  const option = isDefault ? '' : ` --home ${quote(home)}`;
  const runFile = JSON.stringify(join(home, 'run.json'));
  return {
    signIn: `npm run --silent token -- --scope read,operate --link${option}`,
    replay: `npm run replay -- FILE --speed 10${option}`,
    jobs: `npm run router -- jobs${option}`,
    databaseUrl: `node -p ${quote(`require(${runFile}).databaseUrl`)}`,
  };
}

/** Quotes a word for a POSIX shell, if it needs quotes. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
