import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, read } from './repository-files.js';

/*
 * Every export is imported by another file. A declaration that only its own file uses needs no `export`, and one that
 * nothing uses is reported by the linter once it is not exported.
 */

/** Called by name: by Vitest in its global setup files, and by `prove.mjs`. */
const CALLED_BY_NAME = new Set(['setup', 'teardown', 'prove']);

const DECLARATION =
  /^export (?:(?:abstract|async|declare) )*(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;
const NAMES = /^(?:import|(export))(?: type)? (?:\w+, )?\{([^}]*)\}(?: from '([^']+)')?/gm;
const ALL_AGAIN = /^export(?: type)? \* from '([^']+)'/gm;
const NAMESPACE = /^(?:import|(export))(?: type)? \* as (\w+) from '([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'/g;

interface Module {
  readonly exported: ReadonlySet<string>;
  /** Modules whose exports it exports again. */
  readonly exportedAgain: readonly string[];
}

interface Import {
  readonly from: string;
  /** More than the imported names in a dynamic import: all words of the file that has it. */
  readonly names: ReadonlySet<string>;
}

/**
 * @param sources contents of files by their path
 * @param packages paths by the name under which other packages import them
 * @returns `path: name` of exports that no other file imports
 */
function unusedExports(
  sources: ReadonlyMap<string, string>,
  packages: ReadonlyMap<string, string> = new Map(),
): string[] {
  const modules = new Map<string, Module>();
  const imports: Import[] = [];
  const resolve = (file: string, target: string): string => {
    const path = join(dirname(file), target).replaceAll('\\', '/').replace(/\.js$/, '');
    return packages.get(target) ?? (sources.has(`${path}.tsx`) ? `${path}.tsx` : `${path}.ts`);
  };
  for (const [file, source] of sources) {
    const exported = new Set([...source.matchAll(DECLARATION)].map(([, name = '']) => name));
    for (const [, isExport, list = '', target] of source.matchAll(NAMES)) {
      const pairs = pairsOf(list);
      if (isExport) for (const { outside } of pairs) exported.add(outside);
      if (target === undefined) continue;
      imports.push({ from: resolve(file, target), names: new Set(pairs.map(({ inside }) => inside)) });
    }
    for (const [, isExport, name = '', target = ''] of source.matchAll(NAMESPACE)) {
      if (isExport) exported.add(name);
      const text = isExport ? [...sources.values()].join('\n') : source;
      const members = [...text.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, 'g'))].map(([, each = '']) => each);
      imports.push({ from: resolve(file, target), names: new Set(members) });
    }
    for (const [, target = ''] of source.matchAll(DYNAMIC)) {
      imports.push({ from: resolve(file, target), names: new Set(source.match(/\w+/g)) });
    }
    const exportedAgain = [...source.matchAll(ALL_AGAIN)].map(([, target = '']) => resolve(file, target));
    modules.set(file, { exported, exportedAgain });
  }
  const used = new Set<string>();
  const use = (file: string, name: string): void => {
    const { exported, exportedAgain = [] } = modules.get(file) ?? {};
    if (exported?.has(name)) used.add(`${file}: ${name}`);
    else for (const again of exportedAgain) use(again, name);
  };
  for (const { from, names } of imports) for (const name of names) use(from, name);
  return [...modules]
    .flatMap(([file, { exported }]) => [...exported].map((name) => `${file}: ${name}`))
    .filter((name) => !used.has(name));
}

/** Of `a, type b as c`: the names inside and outside the module that has them. */
function pairsOf(list: string): { readonly inside: string; readonly outside: string }[] {
  return list
    .split(',')
    .map((part) => part.trim().replace(/^type /, ''))
    .filter((part) => part !== '')
    .map((part) => {
      const [inside = '', outside = inside] = part.split(' as ');
      return { inside, outside };
    });
}

function readWorkspace(): { sources: Map<string, string>; packages: Map<string, string> } {
  const packages = new Map<string, string>();
  for (const manifest of files.filter((file) => file.endsWith('/package.json'))) {
    const { name, exports = {} } = JSON.parse(read(manifest)) as {
      name: string;
      exports?: Record<string, Record<string, string>>;
    };
    for (const [path, { '@hailstream/source': source = '' }] of Object.entries(exports)) {
      packages.set(
        join(name, path).replaceAll('\\', '/'),
        join(dirname(manifest), source).replaceAll('\\', '/'),
      );
    }
  }
  const sources = new Map(files.filter((file) => /\.tsx?$/.test(file)).map((file) => [file, read(file)]));
  return { sources, packages };
}

describe('exports', () => {
  it('are found to be unused if no other file imports them', () => {
    const sources = new Map([
      ['a/log.ts', 'export interface Log {}\nexport const open = (): Log => ({});\nexport class Gap {}'],
      ['a/main.ts', `import {\n  open,\n} from './log.js';`],
    ]);
    expect(unusedExports(sources)).toEqual(['a/log.ts: Log', 'a/log.ts: Gap']);
  });

  it('are followed through re-exports and the names of packages', () => {
    const sources = new Map([
      ['log/index.ts', `export * from './log.js';\nexport { seek as find, type Gap } from './seek.js';`],
      ['log/log.ts', 'export interface Log {}\nexport const open = 1;'],
      ['log/seek.ts', 'export function seek() {}\nexport type Gap = 1;'],
      ['app/main.ts', `import { find, type Log } from '@hailstream/log';`],
    ]);
    const packages = new Map([['@hailstream/log', 'log/index.ts']]);
    expect(unusedExports(sources, packages)).toEqual(['log/index.ts: Gap', 'log/log.ts: open']);
  });

  it('are followed through namespaces and dynamic imports', () => {
    const sources = new Map([
      ['env.ts', 'export const port = 1;\nexport const host = 1;'],
      ['index.ts', `export * as Env from './env.js';`],
      ['map.tsx', 'export class CityMap {}\nexport class Marks {}'],
      [
        'main.ts',
        `import { Env } from './index.js';\nEnv.port;\nawait import('./map.js').then((map) => map.CityMap);`,
      ],
    ]);
    expect(unusedExports(sources)).toEqual(['env.ts: host', 'map.tsx: Marks']);
  });

  it('are all used', () => {
    const { sources, packages } = readWorkspace();
    expect(packages.size).toBeGreaterThan(20);
    const unused = unusedExports(sources, packages).filter(
      (found) => !CALLED_BY_NAME.has(found.split(': ')[1] ?? ''),
    );
    expect(unused).toEqual([]);
  });
});
