package main

import (
	"reflect"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

// The group versions whose kinds a client may send.
var served = []schema.GroupVersion{
	{Group: "", Version: "v1"},
	{Group: "apps", Version: "v1"},
	{Group: "authentication.k8s.io", Version: "v1"},
	{Group: "authorization.k8s.io", Version: "v1"},
	{Group: "autoscaling", Version: "v1"},
	{Group: "autoscaling", Version: "v2"},
	{Group: "batch", Version: "v1"},
	{Group: "coordination.k8s.io", Version: "v1"},
	{Group: "discovery.k8s.io", Version: "v1"},
	{Group: "events.k8s.io", Version: "v1"},
	{Group: "networking.k8s.io", Version: "v1"},
	{Group: "node.k8s.io", Version: "v1"},
	{Group: "policy", Version: "v1"},
	{Group: "rbac.authorization.k8s.io", Version: "v1"},
	{Group: "scheduling.k8s.io", Version: "v1"},
	{Group: "storage.k8s.io", Version: "v1"},
}

// kindsOf lists the kinds of one group version that have a body: no lists, no options of queries.
func kindsOf(version schema.GroupVersion) []schema.GroupVersionKind {
	var kinds []schema.GroupVersionKind
	for name, goType := range scheme.Scheme.KnownTypes(version) {
		if strings.HasSuffix(name, "List") || strings.HasSuffix(name, "Options") || goType.PkgPath() == metaPackage() {
			continue
		}
		if name == "RangeAllocation" || name == "SerializedReference" || name == "PodStatusResult" {
			continue // no client sends them
		}
		kinds = append(kinds, version.WithKind(name))
	}
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].Kind < kinds[j].Kind })
	return kinds
}

func metaPackage() string {
	return reflect.TypeOf(metav1.DeleteOptions{}).PkgPath()
}
