package main

import (
	"context"
	"sync"
	"time"

	"github.com/redpanda-data/benthos/v4/public/service"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

var kafkaInputSpec = service.NewConfigSpec().Fields(
	service.NewStringField("broker"),
	service.NewStringField("topic"),
	service.NewStringField("group"),
	service.NewIntField("batch_records").Description("Records of one partition in a batch."),
)

// kafkaInput reads a topic as a member of a consumer group, up to the end that each partition had at the start.
type kafkaInput struct {
	broker, topic, group string
	batchRecords         int

	client     *kgo.Client
	partitions map[int32]*partition
	batches    chan kafkaBatch
	failure    error
	stop       context.CancelFunc
}

type kafkaBatch struct {
	partition *partition
	records   []*kgo.Record
}

// partition tracks which batches were delivered: the position is committed up to the first that was not.
type partition struct {
	end     int64
	pending []*kgo.Record

	mu        sync.Mutex
	position  int64
	delivered map[int64]int64
}

func newKafkaInput(conf *service.ParsedConfig, _ *service.Resources) (service.BatchInput, error) {
	in := &kafkaInput{}
	var err error
	if in.broker, err = conf.FieldString("broker"); err != nil {
		return nil, err
	}
	if in.topic, err = conf.FieldString("topic"); err != nil {
		return nil, err
	}
	if in.group, err = conf.FieldString("group"); err != nil {
		return nil, err
	}
	if in.batchRecords, err = conf.FieldInt("batch_records"); err != nil {
		return nil, err
	}
	return service.AutoRetryNacksBatched(in), nil
}

func (in *kafkaInput) Connect(ctx context.Context) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(in.broker),
		kgo.ConsumeTopics(in.topic),
		kgo.ConsumerGroup(in.group),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(time.Second),
	)
	if err != nil {
		return err
	}
	in.client = client
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, in.topic)
	if err != nil {
		return err
	}
	in.partitions = map[int32]*partition{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			in.partitions[end.Partition] = &partition{end: end.Offset, delivered: map[int64]int64{}}
		}
	})
	in.batches = make(chan kafkaBatch, 1)
	reading, stop := context.WithCancel(context.Background())
	in.stop = stop
	go in.read(reading)
	return nil
}

func (in *kafkaInput) read(ctx context.Context) {
	defer close(in.batches)
	for unread := len(in.partitions); unread > 0; {
		fetches := in.client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			in.failure = err
			return
		}
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			p := in.partitions[fetched.Partition]
			for _, record := range fetched.Records {
				if record.Offset >= p.end {
					break
				}
				p.pending = append(p.pending, record)
				isLast := record.Offset == p.end-1
				if isLast {
					unread--
				}
				if !isLast && len(p.pending) < in.batchRecords {
					continue
				}
				select {
				case in.batches <- kafkaBatch{p, p.pending}:
				case <-ctx.Done():
				}
				p.pending = make([]*kgo.Record, 0, in.batchRecords)
			}
		})
	}
}

func (in *kafkaInput) ReadBatch(ctx context.Context) (service.MessageBatch, service.AckFunc, error) {
	select {
	case batch, isOpen := <-in.batches:
		if !isOpen && in.failure != nil {
			return nil, nil, in.failure
		}
		if !isOpen {
			return nil, nil, service.ErrEndOfInput
		}
		ack := func(ctx context.Context, err error) error {
			if err != nil {
				return nil
			}
			return in.deliver(ctx, batch)
		}
		return messagesOf(batch.records), ack, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func messagesOf(records []*kgo.Record) service.MessageBatch {
	messages := make(service.MessageBatch, len(records))
	for i, record := range records {
		message := service.NewMessage(record.Value)
		message.MetaSetMut("kafka_key", record.Key)
		message.MetaSetMut("kafka_topic", record.Topic)
		message.MetaSetMut("kafka_partition", int64(record.Partition))
		message.MetaSetMut("kafka_offset", record.Offset)
		message.MetaSetMut("kafka_timestamp_ms", record.Timestamp.UnixMilli())
		messages[i] = message
	}
	return messages
}

// deliver marks the position to commit. Positions are committed every second, and at the end.
func (in *kafkaInput) deliver(ctx context.Context, batch kafkaBatch) error {
	p := batch.partition
	last := batch.records[len(batch.records)-1]
	p.mu.Lock()
	p.delivered[batch.records[0].Offset] = last.Offset + 1
	for next, found := p.delivered[p.position]; found; next, found = p.delivered[p.position] {
		delete(p.delivered, p.position)
		p.position = next
	}
	position := p.position
	p.mu.Unlock()
	in.client.MarkCommitOffsets(map[string]map[int32]kgo.EpochOffset{
		in.topic: {last.Partition: {Epoch: last.LeaderEpoch, Offset: position}},
	})
	if position == p.end {
		return in.client.CommitMarkedOffsets(ctx)
	}
	return nil
}

func (in *kafkaInput) Close(ctx context.Context) error {
	if in.stop != nil {
		in.stop()
	}
	if in.client != nil {
		in.client.CloseAllowingRebalance()
	}
	return nil
}
