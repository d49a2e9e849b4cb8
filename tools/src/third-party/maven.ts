import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureNeeds } from '../needs.js';
import { exists, installOnce } from './install.js';

/** The plugin whose goal copies the jars. */
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

/** A Java program from Maven Central. */
interface MavenProgram {
  /** Name and version, in messages. */
  readonly what: string;
  /** Folder of the jars. */
  readonly folder: string;
  /** Group, artifact and version of each. */
  readonly dependencies: readonly (readonly [string, string, string])[];
}

/**
 * The class path of a Java program, whose jars Maven downloads once.
 *
 * @throws MissingNeedsError if Java or Maven is missing
 * @throws InstallError if the jars cannot be downloaded
 */
export async function mavenClasspath({ what, folder, dependencies }: MavenProgram): Promise<string> {
  const isInstalled = await exists(folder);
  await ensureNeeds(what, isInstalled ? ['java'] : ['java', 'maven']);
  await installOnce(what, folder, async (unfinished) => {
    const pomFile = join(unfinished, 'pom.xml');
    await writeFile(pomFile, pomOf(dependencies));
    const goal = [`${DEPENDENCY_PLUGIN}:copy-dependencies`, `-DoutputDirectory=${unfinished}`];
    return [{ command: 'mvn', args: ['-q', '-B', '-f', pomFile, ...goal, '-DincludeScope=runtime'] }];
  });
  return join(folder, '*');
}

/** A pom.xml with dependencies. It builds nothing. */
function pomOf(dependencies: MavenProgram['dependencies']): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hailstream</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependencies
  .map(
    ([group, artifact, version]) => `    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${version}</version>
    </dependency>`,
  )
  .join('\n')}
  </dependencies>
</project>
`;
}
