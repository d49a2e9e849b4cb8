package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const produceTimeout = 2 * time.Minute

// Produces 0, 1, 2, … idempotently, as fast as the rate allows, and says of each where it came to lie.
func produce(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(o.brokers),
		kgo.DefaultProduceTopic(o.topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.RecordDeliveryTimeout(produceTimeout),
		kgo.ProducerLinger(5*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	emit(event{"name": "startup_complete"})
	var failed atomic.Int64
	startedAt := time.Now()
	for i := 0; i < o.count && ctx.Err() == nil; i++ {
		if o.rate > 0 {
			time.Sleep(time.Until(startedAt.Add(time.Duration(i) * time.Second / time.Duration(o.rate))))
		}
		record := &kgo.Record{Key: fmt.Append(nil, i%o.keys), Value: fmt.Append(nil, i)}
		client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
			if err != nil {
				failed.Add(1)
				emit(event{"name": "producer_send_error", "value": string(r.Value), "message": err.Error()})
				return
			}
			emit(event{
				"name": "producer_send_success", "topic": r.Topic, "partition": r.Partition,
				"offset": r.Offset, "value": string(r.Value),
			})
		})
	}
	if err := client.Flush(context.Background()); err != nil {
		return err
	}
	emit(event{"name": "shutdown_complete"})
	if failed.Load() > 0 {
		return fmt.Errorf("%d records failed", failed.Load())
	}
	return nil
}
