package main

import (
	"encoding/json"
	"fmt"
	"sort"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

type write struct {
	Operation string         `json:"operation"` // apply or update
	Manager   string         `json:"manager"`
	Force     bool           `json:"force"`
	Document  map[string]any `json:"document"`
}

type story struct {
	APIVersion string  `json:"apiVersion"`
	Kind       string  `json:"kind"`
	Writes     []write `json:"writes"`
}

type chapter struct {
	Document  map[string]any `json:"document,omitempty"`
	Conflicts []string       `json:"conflicts,omitempty"` // the fields of an apply that was refused
	Message   string         `json:"message,omitempty"`
	Error     string         `json:"error,omitempty"`
}

var converter = applyconfigurations.NewTypeConverter(scheme.Scheme)

// tellStory does the writes one after another, and gives the object after each.
func tellStory(question json.RawMessage) any {
	var given story
	fail(json.Unmarshal(question, &given))
	fields := managedfieldstest.NewTestFieldManager(converter, schema.FromAPIVersionAndKind(given.APIVersion, given.Kind))
	var chapters []chapter
	for _, each := range given.Writes {
		object := &unstructured.Unstructured{Object: each.Document}
		var err error
		if each.Operation == "apply" {
			err = fields.Apply(object, each.Manager, each.Force)
		} else {
			err = fields.Update(object, each.Manager)
		}
		chapters = append(chapters, outcome(fields, err))
	}
	return chapters
}

func outcome(fields managedfieldstest.TestFieldManager, err error) chapter {
	if err == nil {
		document := fields.Live().(*unstructured.Unstructured).Object
		forgetTimes(document)
		return chapter{Document: document}
	}
	status, ok := err.(*apierrors.StatusError)
	if !ok || !apierrors.IsConflict(err) {
		return chapter{Error: err.Error()}
	}
	refused := chapter{Message: status.ErrStatus.Message}
	for _, cause := range status.ErrStatus.Details.Causes {
		refused.Conflicts = append(refused.Conflicts, cause.Field)
	}
	sort.Strings(refused.Conflicts) // Go goes through managers in any order
	return refused
}

// forgetTimes takes the times out of managedFields, and the order that follows from them, so that equal stories have
// equal answers.
func forgetTimes(document map[string]any) {
	metadata, _ := document["metadata"].(map[string]any)
	entries, _ := metadata["managedFields"].([]any)
	for _, entry := range entries {
		delete(entry.(map[string]any), "time")
	}
	name := func(place int) string { return fmt.Sprint(entries[place]) }
	sort.SliceStable(entries, func(i, j int) bool { return name(i) < name(j) })
}
