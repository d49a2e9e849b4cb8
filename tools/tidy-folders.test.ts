import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, read } from './repository-files.js';

/*
 * Imports between the folders of a package have no cycle. The linter checks files only: two folders may import each other
 * without a cycle between files, and neither can then be read or moved alone. A file directly in `src/` counts as a folder
 * of its own, and imports of types count.
 */

/** Folders, and the folders that each of them imports. */
type FolderGraph = ReadonlyMap<string, ReadonlySet<string>>;

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

/** @param sources contents of files by their path below `src` */
function folderGraph(sources: ReadonlyMap<string, string>): FolderGraph {
  const graph = new Map<string, Set<string>>();
  for (const [file, source] of sources) {
    const from = folderOf(file);
    const imported = graph.get(from) ?? new Set<string>();
    graph.set(from, imported);
    for (const [, target = ''] of source.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const to = folderOf(join(dirname(file), target).replaceAll('\\', '/'));
      if (to !== from) imported.add(to);
    }
  }
  return graph;
}

function folderOf(file: string): string {
  const folder = dirname(file);
  return folder === '.' ? file.replace(/\.(js|tsx?)$/, '') : folder;
}

/** @returns one cycle as `a -> b -> a`, undefined if the graph has no cycle */
function findCycle(graph: FolderGraph): string | undefined {
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
    expect(findCycle(folderGraph(sources))).toBe('groups -> storage -> groups');
  });

  it('accepts a module and a config file of which one imports a folder and the other is imported by it', () => {
    const sources = new Map([
      ['app.module.ts', `import { HttpModule } from './http/http.module.js';`],
      ['http/http.module.ts', `import type { Config } from '../config.js';`],
      ['config.ts', ''],
    ]);
    expect(findCycle(folderGraph(sources))).toBeUndefined();
  });

  it.each(packages)('have no cycle in %s', (folder) => {
    expect(findCycle(folderGraph(readSources(folder)))).toBeUndefined();
  });
});
