// Command franz-go-client does with franz-go what Kafka's VerifiableProducer and VerifiableConsumer do with Kafka's own
// client, and prints the same events: one JSON object a line.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type options struct {
	brokers        string
	topic          string
	count          int
	keys           int
	rate           int
	group          string
	instance       string
	sessionTimeout int
	balancer       string
}

var modes = map[string]func(context.Context, options) error{
	"produce": produce,
	"consume": consume,
	"admin":   administer,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		return fmt.Errorf("usage: franz-go-client produce|consume|admin [options]")
	}
	var o options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&o.brokers, "brokers", "", "host:port")
	flags.StringVar(&o.topic, "topic", "", "topic")
	flags.IntVar(&o.count, "count", 0, "records to produce")
	flags.IntVar(&o.keys, "keys", 1, "keys of the records, used one after the other")
	flags.IntVar(&o.rate, "rate", 0, "records a second; 0: no limit")
	flags.StringVar(&o.group, "group", "", "group of the consumer")
	flags.StringVar(&o.instance, "instance", "", "makes a static member")
	flags.IntVar(&o.sessionTimeout, "session-timeout", 6000, "ms")
	flags.StringVar(&o.balancer, "balancer", "cooperative-sticky", "or range")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return modes[os.Args[1]](ctx, o)
}

type event map[string]any

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

// Prints an event; callbacks of the client come from goroutines of their own.
func emit(e event) {
	output.Lock()
	defer output.Unlock()
	if err := output.Encode(e); err != nil {
		panic(err)
	}
}
