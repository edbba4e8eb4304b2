// Answers questions with the Go libraries of Kubernetes, so that our own answers can be compared with theirs.
//
//	go run . fields FOLDER       writes the table of protobuf fields, one file for each group version
//	go run . samples N SEED      prints N made-up objects of every kind, in protobuf and in JSON
//	go run . strategic           reads cases, one JSON object a line, and prints what a strategic merge makes of each
//	go run . apply               the same for server-side apply: a story of writes, with the managed fields after each
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("say what to do: fields, samples, strategic or apply"))
	}
	switch os.Args[1] {
	case "fields":
		writeFields(os.Args[2])
	case "samples":
		printSamples(os.Args[2], os.Args[3])
	case "strategic":
		answer(strategic)
	case "apply":
		answer(tellStory)
	default:
		fail(fmt.Errorf("unknown: %s", os.Args[1]))
	}
}

// answer reads one question a line and prints one answer a line.
func answer(ask func(json.RawMessage) any) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<20), 1<<26)
	for lines.Scan() {
		printLine(ask(lines.Bytes()))
	}
	fail(lines.Err())
}

func printLine(value any) {
	text, err := json.Marshal(value)
	fail(err)
	fmt.Println(string(text))
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
