import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, read } from './repository-files.js';

/*
 * Imports between the folders, and between the files, of a package have no cycle; imports of types count. The linter checks
 * imports of values between files only: two folders may import each other without a cycle between files, and neither can
 * then be read or moved alone. A file directly in `src/` counts as a folder.
 */

/** Folders or files, and those that each of them imports. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Folders of the packages that have sources. */
const packages = [
  ...new Set(files.flatMap((file) => /^((?:apps|libs)\/[^/]+|tools|bench)\/src\//.exec(file)?.[1] ?? [])),
];

function readSources(folder: string): Map<string, string> {
  const sources = files.filter(
    (file) => file.startsWith(`${folder}/src/`) && /\.tsx?$/.test(file) && !/\.test\.tsx?$/.test(file),
  );
  return new Map(sources.map((file) => [file.slice(`${folder}/src/`.length), read(file)]));
}

/**
 * @param sources contents of files by their path below `src`
 * @param nodeOf the node of the graph that a file belongs to
 */
function importGraph(sources: ReadonlyMap<string, string>, nodeOf: (file: string) => string): Graph {
  const graph = new Map<string, Set<string>>();
  for (const [file, source] of sources) {
    const from = nodeOf(file);
    const imported = graph.get(from) ?? new Set<string>();
    graph.set(from, imported);
    for (const [, target = ''] of source.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const to = nodeOf(join(dirname(file), target).replaceAll('\\', '/'));
      if (to !== from) imported.add(to);
    }
  }
  return graph;
}

function moduleOf(file: string): string {
  return file.replace(/\.(js|tsx?)$/, '');
}

function folderOf(file: string): string {
  const folder = dirname(file);
  return folder === '.' ? moduleOf(file) : folder;
}

/** @returns one cycle as `a -> b -> a`, undefined if the graph has no cycle */
function findCycle(graph: Graph): string | undefined {
  const acyclic = new Set<string>();
  const visit = (folder: string, path: readonly string[]): string | undefined => {
    if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder].join(' -> ');
    if (acyclic.has(folder)) return undefined;
    for (const imported of graph.get(folder) ?? []) {
      const cycle = visit(imported, [...path, folder]);
      if (cycle !== undefined) return cycle;
    }
    acyclic.add(folder);
    return undefined;
  };
  for (const folder of graph.keys()) {
    const cycle = visit(folder, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('folder imports', () => {
  it('finds a cycle between folders that has none between files', () => {
    const sources = new Map([
      ['groups/coordinator.ts', `import type { Log } from '../storage/log.js';`],
      ['groups/member.ts', ''],
      ['storage/log.ts', ''],
      ['storage/replay.ts', `import { type Member } from '../groups/member.js';`],
    ]);
    expect(findCycle(importGraph(sources, folderOf))).toBe('groups -> storage -> groups');
  });

  it('accepts a module and a config file of which one imports a folder and the other is imported by it', () => {
    const sources = new Map([
      ['app.module.ts', `import { HttpModule } from './http/http.module.js';`],
      ['http/http.module.ts', `import type { Config } from '../config.js';`],
      ['config.ts', ''],
    ]);
    expect(findCycle(importGraph(sources, folderOf))).toBeUndefined();
  });

  it.each(packages)('have no cycle in %s', (folder) => {
    expect(findCycle(importGraph(readSources(folder), folderOf))).toBeUndefined();
  });
});

describe('file imports', () => {
  it('finds a cycle of types', () => {
    const sources = new Map([
      ['pool.ts', `import { File } from './file.js';`],
      ['file.ts', `import type { Pool } from './pool.js';`],
    ]);
    expect(findCycle(importGraph(sources, moduleOf))).toBe('pool -> file -> pool');
  });

  it.each(packages)('have no cycle in %s', (folder) => {
    expect(findCycle(importGraph(readSources(folder), moduleOf))).toBeUndefined();
  });
});
