import { KAFKA_VERSION } from './config.js';

const LOG4J_VERSION = '2.25.3';
const DEPENDENCY_PLUGIN_VERSION = '3.8.1';

const DEPENDENCIES = [
  ['org.apache.kafka', 'kafka_2.13', KAFKA_VERSION],
  ['org.apache.kafka', 'kafka-tools', KAFKA_VERSION],
  // The logging backend of both: without it, their errors are not printed.
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION],
  ['org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION],
] as const;

/** The Maven goal that copies the jars. */
export const COPY_GOAL = `org.apache.maven.plugins:maven-dependency-plugin:${DEPENDENCY_PLUGIN_VERSION}:copy-dependencies`;

/** A pom.xml with the dependencies of Apache Kafka's broker and command-line tools. It builds nothing. */
export const POM = `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hailstream</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${DEPENDENCIES.map(
  ([group, artifact, version]) => `    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${version}</version>
    </dependency>`,
).join('\n')}
  </dependencies>
</project>
`;
