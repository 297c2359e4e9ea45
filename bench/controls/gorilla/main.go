// An echo on gorilla/websocket in its usual shape: per connection a reader, a worker and a writer goroutine, with
// channels of 1000 messages between them. Speaks with the runner as the other controls do.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/gorilla/websocket"
)

const channelDepth = 1000

type message struct {
	kind int
	data []byte
}

type connection struct {
	socket *websocket.Conn
	in     chan message
	out    chan message
	closed chan struct{}
	once   sync.Once
}

func (c *connection) close() {
	c.socket.Close()
	c.once.Do(func() { close(c.closed) })
}

func (c *connection) read() {
	defer c.close()
	for {
		kind, data, err := c.socket.ReadMessage()
		if err != nil {
			return
		}
		select {
		case c.in <- message{kind, data}:
		case <-c.closed:
			return
		}
	}
}

func (c *connection) work() {
	for {
		select {
		case m := <-c.in:
			select {
			case c.out <- m:
			case <-c.closed:
				return
			}
		case <-c.closed:
			return
		}
	}
}

func (c *connection) write() {
	defer c.close()
	for {
		select {
		case m := <-c.out:
			if c.socket.WriteMessage(m.kind, m.data) != nil {
				return
			}
		case <-c.closed:
			return
		}
	}
}

var upgrader = websocket.Upgrader{
	ReadBufferSize:  1024,
	WriteBufferSize: 1024,
	CheckOrigin:     func(*http.Request) bool { return true },
}

func onRequest(w http.ResponseWriter, r *http.Request) {
	socket, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &connection{
		socket: socket,
		in:     make(chan message, channelDepth),
		out:    make(chan message, channelDepth),
		closed: make(chan struct{}),
	}
	go c.read()
	go c.work()
	go c.write()
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// A Go process has no I/O thread: null.
func printCPU() {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("{\"process\":%f,\"ioThread\":null}\n", seconds(usage.Utime)+seconds(usage.Stime))
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.HandleFunc("/ws", onRequest)
	go http.Serve(listener, nil)
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		os.Exit(0)
	}()
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		if commands.Text() == "cpu" {
			printCPU()
		}
	}
}
