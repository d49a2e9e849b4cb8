import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { files, read } from './repository-files.js';
import { repositoryRoot } from './src/repository.js';
import { findPhrases, findThrows, type Finding } from './tidy-phrases.js';

/** Rules that a linter of single files cannot check. */

interface Manifest {
  readonly name: string;
  readonly type?: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const folders = files
  .filter((file) => file.endsWith('/package.json'))
  .map((file) => dirname(file))
  .sort();
const packages = folders.map((folder) => ({
  folder,
  manifest: JSON.parse(read(`${folder}/package.json`)) as Manifest,
}));

describe('the workspace', () => {
  it('has its packages in apps and libs', () => {
    expect(folders).toEqual(
      expect.arrayContaining(['apps/ingest', 'libs/log', 'libs/events', 'tools', 'test']),
    );
  });

  it('uses only versions of the catalog', () => {
    const manifests = [...packages, { folder: '.', manifest: JSON.parse(read('package.json')) as Manifest }];
    const elsewhere = manifests.flatMap(({ folder, manifest }) =>
      Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
        .filter(([, version]) => version !== 'catalog:' && version !== 'workspace:*')
        .map(([name, version]) => `${folder}: ${name} ${version}`),
    );
    expect(elsewhere).toEqual([]);
  });

  it('has exact versions in the catalog', () => {
    const catalog = /^catalog:\n((?: {2}.*\n)+)/m.exec(read('pnpm-workspace.yaml'))?.[1] ?? '';
    const versions = catalog
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(': ').at(-1));
    expect(versions.length).toBeGreaterThan(20);
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? ''))).toEqual([]);
  });

  it('builds every package', () => {
    const { references } = JSON.parse(read('tsconfig.json')) as { references: { path: string }[] };
    expect(references.map(({ path }) => path)).toEqual(expect.arrayContaining(folders));
  });
});

describe.each(packages)('$folder', ({ folder, manifest }) => {
  it('is a private ES module', () => {
    expect(manifest).toMatchObject({ type: 'module', private: true });
    expect(manifest.name).toMatch(/^@hailstream\//);
  });

  it('has a README', () => {
    expect(existsSync(join(repositoryRoot, folder, 'README.md'))).toBe(true);
  });

  it('exports sources to tests, types to the compiler and compiled code to Node, in that order', () => {
    expect(manifest.exports).toBeDefined();
    for (const target of Object.values(manifest.exports ?? {})) {
      expect(Object.keys(target)).toEqual(['@hailstream/source', 'types', 'default']);
      const source = target['@hailstream/source'] ?? '';
      expect(existsSync(join(repositoryRoot, folder, source)), source).toBe(true);
      const compiled = source.replace('./src/', './dist/').replace(/\.ts$/, '');
      expect(target).toMatchObject({ types: `${compiled}.d.ts`, default: `${compiled}.js` });
    }
  });

  it('depends only on packages below it', () => {
    const workspaceDependencies = Object.keys(manifest.dependencies ?? {}).filter((name) =>
      name.startsWith('@hailstream/'),
    );
    const allowed: Readonly<Record<string, readonly string[]>> = {
      'libs/service': [],
      'libs/events': ['service'],
      'libs/log': ['service'],
      'libs/roads': ['events'],
      'libs/nest': ['log', 'service'],
      'libs/parquet': [],
      tools: ['events', 'log', 'service'],
    };
    const libs = [
      'events',
      'log',
      'nest',
      'parquet',
      'roads',
      'service',
      ...(folder.startsWith('apps/') ? [] : ['tools']),
    ];
    const may = (allowed[folder] ?? libs).map((name) => `@hailstream/${name}`);
    expect(workspaceDependencies.filter((name) => !may.includes(name))).toEqual([]);
  });
});

describe('sources', () => {
  const sources = files.filter((file) => /\.(ts|tsx|mjs)$/.test(file));
  const linesWith = (pattern: RegExp, except = /^$/): string[] =>
    sources
      .filter((file) => file !== 'tools/tidy.test.ts')
      .flatMap((file) =>
        read(file)
          .split('\n')
          .filter((line) => pattern.test(line) && !except.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );

  it('name an owner in every TODO', () => {
    const anonymous = sources.flatMap((file) =>
      read(file)
        .split('\n')
        .filter((line) => /\/\/.*\b(TODO|FIXME|XXX)\b/.test(line) && !/\bTODO\([^)]+\):/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(anonymous).toEqual([]);
  });

  it('declare private members with `private`, not with #', () => {
    const hash = /^\s+(?:(?:static|readonly|async|get|set|accessor) )*\*?#[A-Za-z_]\w*|\.#[A-Za-z_]\w*/;
    expect(linesWith(hash)).toEqual([]);
  });

  it('import node:assert in one form', () => {
    expect(linesWith(/from 'node:assert|from 'assert/, /^import assert from 'node:assert';$/)).toEqual([]);
  });

  it('have every test folder in a tsconfig: elsewhere a decorated class is a syntax error', () => {
    const tested = folders.filter((folder) => files.some((file) => file.startsWith(`${folder}/test/`)));
    expect(
      tested.filter((folder) => !existsSync(join(repositoryRoot, folder, 'test/tsconfig.json'))),
    ).toEqual([]);
  });
});

describe('documents', () => {
  it('link to existing files', () => {
    const documents = files.filter((file) => file.endsWith('.md'));
    const broken = documents.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(join(repositoryRoot, dirname(file), target)))
        .map((target) => `${file}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('mention only commands of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...read(file).matchAll(/npm run (?:--silent |-s )?([a-z][\w:-]*)/g)].map(([, name]) => name),
      );
    expect([...new Set(named)].filter((name) => !Object.hasOwn(scripts, name ?? ''))).toEqual([]);
  });
});

describe('.env.example', () => {
  it('has exactly the variables that the apps read', () => {
    const schemas = [
      ...files.filter((file) => /^apps\/[^/]+\/src\/config\.ts$/.test(file)),
      'libs/service/src/config/groups.ts',
    ];
    const property = /(?<=^\s+|\{ )([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*): /gm;
    const names = schemas.flatMap((file) => [...read(file).matchAll(property)].map(([, name = '']) => name));
    // The variables of kafkaSecurityEnv have the names of its schemas after a prefix.
    const prefixes = schemas.flatMap((file) =>
      [...read(file).matchAll(/kafkaSecurityEnv\('([A-Z_]+)'\)/g)].map(([, prefix = '']) => prefix),
    );
    const known = new Set(
      names.flatMap((name) => (/^(SSL|SASL)_/.test(name) ? prefixes.map((prefix) => prefix + name) : [name])),
    );
    const [ofApps = ''] = read('.env.example').split('# --- docker compose');
    const explained = [...ofApps.matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name);
    expect(new Set(explained)).toEqual(known);
  });
});

describe('wording', () => {
  /** Released migrations are never edited. */
  const EXEMPT: readonly string[] = [
    'apps/batch/migrations/002-analysis.sql',
    'apps/batch/migrations/004-provider-identity.sql',
  ];
  const written = files.filter(
    (file) =>
      (/\.(ts|tsx|mjs|md|sql|ya?ml|css|html|sh)$|Dockerfile$|^\.env\.example$|^\.ci\/run$/.test(file) ||
        /^docker\/.*\.(json|conf)$/.test(file)) &&
      !/^pnpm-lock|tidy-phrases|tidy\.test/.test(file) &&
      !EXEMPT.some((folder) => file.startsWith(folder)),
  );
  const list = (find: (text: string) => Finding[], among: readonly string[]): string[] =>
    among.flatMap((file) =>
      find(read(file)).map(({ line, found, instead }) => `${file}:${line}: "${found}"; write: ${instead}`),
    );

  it('avoids the phrases of tidy-phrases.ts', () => {
    expect(list(findPhrases, written)).toEqual([]);
  });

  it('documents errors as `@throws XError if …`', () => {
    expect(list(findThrows, written)).toEqual([]);
  });

  it('finds phrases across a line break of a comment, and names the line', () => {
    const text = '/**\n * What the log has, but\n * for the rest.\n * A port that is no longer free.\n */';
    expect(findPhrases(text)).toEqual([{ line: 2, found: 'but for', instead: 'except' }]);
  });

  it.each([
    ['/** @throws LogError if the log is unreachable */', 0],
    ['/** @throws LogError */', 0],
    ['/** @throws LogError `TIMED_OUT`, retryable, if the log is unreachable */', 0],
    [' * @throws LogError\n */', 0],
    ['/** @throws {LogError} if the log is unreachable */', 1],
    ['/** @throws LogError where the log is unreachable */', 1],
  ])('judges %j', (text, findings) => {
    expect(findThrows(text)).toHaveLength(findings);
  });
});
