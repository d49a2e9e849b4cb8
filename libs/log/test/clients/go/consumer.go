package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const maxPollRecords = 500

var balancers = map[string]kgo.GroupBalancer{
	"cooperative-sticky": kgo.CooperativeStickyBalancer(),
	"range":              kgo.RangeBalancer(),
}

// Consumes as a member of a group until SIGTERM, and commits after each poll.
func consume(ctx context.Context, o options) error {
	onPartitions := func(name string) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
			emit(event{"name": name, "partitions": flatten(topics)})
		}
	}
	settings := []kgo.Opt{
		kgo.SeedBrokers(o.brokers),
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(balancers[o.balancer]),
		kgo.SessionTimeout(time.Duration(o.sessionTimeout) * time.Millisecond),
		kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(onPartitions("partitions_assigned")),
		kgo.OnPartitionsRevoked(onPartitions("partitions_revoked")),
		kgo.OnPartitionsLost(onPartitions("partitions_lost")),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
	}
	if o.instance != "" {
		settings = append(settings, kgo.InstanceID(o.instance))
	}
	client, err := kgo.NewClient(settings...)
	if err != nil {
		return err
	}
	emit(event{"name": "startup_complete"})
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, maxPollRecords)
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.Canceled) {
				return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
			}
		}
		if err := consumed(client, fetches.Records()); err != nil {
			return err
		}
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	emit(event{"name": "shutdown_complete"})
	return nil
}

func consumed(client *kgo.Client, records []*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	next := map[int32]int64{}
	for _, r := range records {
		emit(event{
			"name": "record_data", "topic": r.Topic, "partition": r.Partition, "offset": r.Offset,
			"value": string(r.Value),
		})
		next[r.Partition] = r.Offset + 1
	}
	offsets := []event{}
	for partition, offset := range next {
		offsets = append(offsets, event{"topic": records[0].Topic, "partition": partition, "offset": offset})
	}
	err := client.CommitRecords(context.Background(), records...)
	emit(event{"name": "offsets_committed", "offsets": offsets, "success": err == nil})
	return err
}

func flatten(topics map[string][]int32) []event {
	all := []event{}
	for topic, partitions := range topics {
		for _, partition := range partitions {
			all = append(all, event{"topic": topic, "partition": partition})
		}
	}
	return all
}
