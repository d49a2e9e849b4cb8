// Command open-loop posts bodies at a fixed rate, whether or not earlier requests have been answered. It measures latency
// from the planned time of a request, so a stall counts for every request that it delays, and prints one line of JSON with
// percentiles in microseconds. It fails if a response is not 2xx.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Requests that wait for a connection. With more, the server cannot keep up with the rate.
const maxWaiting = 20_000

type result struct {
	Count int   `json:"count"`
	P50   int64 `json:"p50"`
	P90   int64 `json:"p90"`
	P99   int64 `json:"p99"`
	Max   int64 `json:"max"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	address := flag.String("address", "", "host:port")
	path := flag.String("path", "/", "path of the requests")
	token := flag.String("token", "", "bearer token")
	bodies := flag.String("bodies", "", "file with a body per line; they are sent in turn")
	rate := flag.Float64("rate", 1_000, "requests per second")
	duration := flag.Duration("duration", 5*time.Second, "duration")
	connections := flag.Int("connections", 256, "number of connections")
	flag.Parse()

	requests, err := readRequests(*bodies, *address, *path, *token)
	if err != nil {
		return err
	}
	planned := make(chan job, maxWaiting)
	latencies := make([][]int64, *connections)
	failures := make(chan error, *connections)
	var workers sync.WaitGroup
	for i := range latencies {
		connection, err := net.Dial("tcp", *address)
		if err != nil {
			return err
		}
		defer connection.Close()
		workers.Add(1)
		go func() {
			defer workers.Done()
			var err error
			if latencies[i], err = send(connection, planned); err != nil {
				failures <- err
			}
		}()
	}
	if err := plan(planned, failures, requests, *rate, *duration); err != nil {
		return err
	}
	workers.Wait()
	select {
	case err := <-failures:
		return err
	default:
	}
	return json.NewEncoder(os.Stdout).Encode(percentiles(latencies))
}

// job is a request and the time at which it is planned.
type job struct {
	at      time.Time
	request []byte
}

func plan(
	planned chan<- job,
	failures <-chan error,
	requests [][]byte,
	rate float64,
	duration time.Duration,
) error {
	// The runtime's timers have a resolution of a millisecond; a thread of its own can sleep for less.
	runtime.LockOSThread()
	defer close(planned)
	start := time.Now()
	count := int(rate * duration.Seconds())
	for i := 0; i < count; i++ {
		at := start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		if wait := time.Until(at); wait > 0 {
			pause := syscall.NsecToTimespec(int64(wait))
			// Interrupted by a signal, it returns early.
			_ = syscall.Nanosleep(&pause, nil)
		}
		select {
		case planned <- job{at, requests[i%len(requests)]}:
		case err := <-failures:
			return err
		default:
			return fmt.Errorf("the server cannot keep up with %.0f requests/s", rate)
		}
	}
	return nil
}

func send(connection net.Conn, planned <-chan job) ([]int64, error) {
	var latencies []int64
	responses := bufio.NewReader(connection)
	for next := range planned {
		if _, err := connection.Write(next.request); err != nil {
			return nil, err
		}
		response, err := http.ReadResponse(responses, nil)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		if response.StatusCode/100 != 2 {
			return nil, fmt.Errorf("%s: %s", response.Status, body)
		}
		latencies = append(latencies, time.Since(next.at).Microseconds())
	}
	return latencies, nil
}

func readRequests(file, address, path, token string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var requests [][]byte
	for _, body := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		head := "POST " + path + " HTTP/1.1\r\nHost: " + address + "\r\nContent-Type: application/json\r\n"
		if token != "" {
			head += "Authorization: Bearer " + token + "\r\n"
		}
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
		requests = append(requests, []byte(head+body))
	}
	return requests, nil
}

func percentiles(latencies [][]int64) result {
	var all []int64
	for _, own := range latencies {
		all = append(all, own...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) int64 {
		if len(all) == 0 {
			return 0
		}
		return all[min(len(all)-1, int(share*float64(len(all))))]
	}
	return result{len(all), at(0.5), at(0.9), at(0.99), at(1)}
}
