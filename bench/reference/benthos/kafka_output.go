package main

import (
	"context"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kgo"
)

var kafkaOutputSpec = service.NewConfigSpec().Fields(
	service.NewStringField("broker"),
	service.NewStringField("topic"),
	service.NewStringListField("headers").Description("Names of the metadata that become headers."),
	service.NewIntField("max_in_flight"),
	service.NewBoolField("partition_by_key").Default(false).Description("Chooses partitions by keys, as Kafka does."),
	service.NewDurationField("linger").Default("10ms").Description("The client's default."),
)

// kafkaOutput appends messages idempotently and acknowledged by all replicas: to the partition of their key, or to the
// partition of the same number.
type kafkaOutput struct {
	broker, topic  string
	headers        []string
	partitionByKey bool
	linger         time.Duration
	client         *kgo.Client
}

func newKafkaOutput(
	conf *service.ParsedConfig,
	_ *service.Resources,
) (service.BatchOutput, service.BatchPolicy, int, error) {
	out := &kafkaOutput{}
	var policy service.BatchPolicy
	var err error
	if out.broker, err = conf.FieldString("broker"); err != nil {
		return nil, policy, 0, err
	}
	if out.topic, err = conf.FieldString("topic"); err != nil {
		return nil, policy, 0, err
	}
	if out.headers, err = conf.FieldStringList("headers"); err != nil {
		return nil, policy, 0, err
	}
	if out.partitionByKey, err = conf.FieldBool("partition_by_key"); err != nil {
		return nil, policy, 0, err
	}
	if out.linger, err = conf.FieldDuration("linger"); err != nil {
		return nil, policy, 0, err
	}
	maxInFlight, err := conf.FieldInt("max_in_flight")
	return out, policy, maxInFlight, err
}

func (out *kafkaOutput) Connect(context.Context) error {
	partitioner := kgo.ManualPartitioner()
	if out.partitionByKey {
		partitioner = kgo.StickyKeyPartitioner(nil)
	}
	client, err := kgo.NewClient(
		kgo.SeedBrokers(out.broker),
		kgo.DefaultProduceTopic(out.topic),
		kgo.RecordPartitioner(partitioner),
		kgo.ProducerLinger(out.linger),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.MaxBufferedRecords(100_000),
	)
	out.client = client
	return err
}

func (out *kafkaOutput) WriteBatch(ctx context.Context, batch service.MessageBatch) error {
	records := make([]*kgo.Record, len(batch))
	for i, message := range batch {
		value, err := message.AsBytes()
		if err != nil {
			return err
		}
		record := &kgo.Record{Value: value}
		if key, found := message.MetaGetMut("kafka_key"); found {
			switch key := key.(type) {
			case []byte:
				record.Key = key
			case string:
				record.Key = []byte(key)
			}
		}
		if partition, found := message.MetaGetMut("kafka_partition"); found {
			record.Partition = int32(partition.(int64))
		}
		record.Headers = make([]kgo.RecordHeader, 0, len(out.headers))
		for _, name := range out.headers {
			text, _ := message.MetaGet(name)
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(text)})
		}
		records[i] = record
	}
	return out.client.ProduceSync(ctx, records...).FirstErr()
}

func (out *kafkaOutput) Close(context.Context) error {
	if out.client != nil {
		out.client.Close()
	}
	return nil
}
