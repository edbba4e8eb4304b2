// informer follows the pods of a namespace with client-go's shared informer, as every controller in Go does, and says
// each thing that it is told as one line of JSON: {"event": "added", "name": "web", "phase": "Running", "node": "node-1"}.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

type line struct {
	Event string `json:"event"`
	Name  string `json:"name,omitempty"`
	Phase string `json:"phase,omitempty"`
	Node  string `json:"node,omitempty"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: informer KUBECONFIG NAMESPACE"))
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		fail(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		fail(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(os.Args[2]))
	pods := factory.Core().V1().Pods().Informer()
	_, err = pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { say("added", object) },
		UpdateFunc: func(_, object any) { say("updated", object) },
		DeleteFunc: func(object any) {
			if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = last.Obj
			}
			say("deleted", object)
		},
	})
	if err != nil {
		fail(err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced) {
		fail(fmt.Errorf("the informer never had the whole list"))
	}
	write(line{Event: "synced"})
	<-ctx.Done()
}

func say(event string, object any) {
	pod := object.(*core.Pod)
	write(line{Event: event, Name: pod.Name, Phase: string(pod.Status.Phase), Node: pod.Spec.NodeName})
}

func write(said line) {
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
