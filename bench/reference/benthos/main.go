// Command reference runs one job of the router benchmark with the Benthos engine: it delivers what a topic has now, commits
// the position and exits. The engine and its processors are unchanged. Connectors to Kafka, S3 and OpenSearch, and the
// Parquet encoder, are not in the engine's module: those in this folder do only what the jobs need.
package main

import (
	"context"
	"fmt"
	"os"

	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	"github.com/redpanda-data/benthos/v4/public/service"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: reference JOB.yaml")
	}
	job, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	builder := service.NewStreamBuilder()
	if err := builder.SetYAML(string(job)); err != nil {
		return err
	}
	stream, err := builder.Build()
	if err != nil {
		return err
	}
	return stream.Run(context.Background())
}

func init() {
	must(service.RegisterBatchInput("kafka", kafkaInputSpec, newKafkaInput))
	must(service.RegisterBatchOutput("kafka", kafkaOutputSpec, newKafkaOutput))
	must(service.RegisterBatchOutput("s3", s3OutputSpec, newS3Output))
	must(service.RegisterBatchOutput("sql", sqlOutputSpec, newSQLOutput))
	must(service.RegisterBatchOutput("opensearch", openSearchOutputSpec, newOpenSearchOutput))
	must(service.RegisterBatchProcessor("parquet", parquetSpec, newParquetProcessor))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
