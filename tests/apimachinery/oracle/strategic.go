package main

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

type strategicCase struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Document   map[string]any `json:"document"`
	Patch      map[string]any `json:"patch"`
}

// strategic gives the patched document, or null when the patch is refused.
func strategic(question json.RawMessage) any {
	var given strategicCase
	fail(json.Unmarshal(question, &given))
	object, err := scheme.Scheme.New(schema.FromAPIVersionAndKind(given.APIVersion, given.Kind))
	fail(err)
	patched, err := strategicpatch.StrategicMergeMapPatch(given.Document, given.Patch, object)
	if err != nil {
		return nil
	}
	return patched
}
