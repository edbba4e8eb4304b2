package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"strconv"
	"time"

	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"
)

type sample struct {
	Protobuf []byte          `json:"protobuf"`
	Document json.RawMessage `json:"document"`
}

var quantities = []string{"1", "100m", "64Mi", "1500m", "0", "3k", "12345678901234567890"}

// filler makes up objects; what has a form of its own in JSON gets values that show it.
func filler(seed int64) *randfill.Filler {
	moment := func(c randfill.Continue) time.Time {
		return time.Unix(c.Int63n(4_000_000_000), 1000*c.Int63n(1_000_000)).UTC()
	}
	letters := []string{"", "a", "web", "é☃", "example.com/x", "<&>\"\\\n"}
	return randfill.NewWithSeed(seed).NilChance(0.5).NumElements(1, 2).MaxDepth(30).Funcs(
		func(s *string, c randfill.Continue) { *s = letters[c.Intn(len(letters))] },
		func(t *metav1.Time, c randfill.Continue) {
			if *t = (metav1.Time{}); c.Bool() {
				*t = metav1.NewTime(moment(c))
			}
		},
		func(t *metav1.MicroTime, c randfill.Continue) {
			if *t = (metav1.MicroTime{}); c.Bool() {
				*t = metav1.NewMicroTime(moment(c))
			}
		},
		func(d *metav1.Duration, c randfill.Continue) {
			amounts := []int64{0, 1, 1500, 2_500_000, 1_000_000_000, 90_000_000_000, 3_661_500_000_000, -5_000_000_000}
			d.Duration = time.Duration(amounts[c.Intn(len(amounts))])
		},
		func(q *resource.Quantity, c randfill.Continue) {
			*q = resource.MustParse(quantities[c.Intn(len(quantities))])
		},
		func(v *intstr.IntOrString, c randfill.Continue) {
			if *v = intstr.FromInt32(c.Int31n(3) - 1); c.Bool() {
				*v = intstr.FromString("25%")
			}
		},
		func(e *runtime.RawExtension, c randfill.Continue) {
			if *e = (runtime.RawExtension{}); c.Bool() {
				e.Raw = []byte(`{"a":[1,"x",null]}`)
			}
		},
		func(f *metav1.FieldsV1, c randfill.Continue) {
			*f = *metav1.NewFieldsV1(`{"f:metadata":{"f:labels":{".":{}}}}`)
		},
		// A list inside a map cannot be told from none in protobuf.
		func(v *authentication.ExtraValue, c randfill.Continue) { *v = authentication.ExtraValue{"a", ""} },
		func(v *authorization.ExtraValue, c randfill.Continue) { *v = authorization.ExtraValue{"b"} },
		func(t *metav1.TypeMeta, c randfill.Continue) { *t = metav1.TypeMeta{} },
		func(n *int32, c randfill.Continue) { *n = [...]int32{0, 1, -1, 2147483647, -2147483648}[c.Intn(5)] },
		func(n *int64, c randfill.Continue) { *n = [...]int64{0, 1, -1, 1 << 62, -1 << 63}[c.Intn(5)] },
		func(n *float64, c randfill.Continue) { *n = [...]float64{0, 1.5, -2}[c.Intn(3)] },
	)
}

func printSamples(count string, seed string) {
	number, err := strconv.Atoi(count)
	fail(err)
	start, err := strconv.ParseInt(seed, 10, 64)
	fail(err)
	source := rand.New(rand.NewSource(start))
	for _, version := range served {
		for _, kind := range kindsOf(version) {
			for range number {
				printLine(makeSample(kind, source.Int63()))
			}
		}
		for range number {
			printLine(makeSample(version.WithKind("DeleteOptions"), source.Int63()))
		}
	}
}

func makeSample(kind schema.GroupVersionKind, seed int64) sample {
	object, err := scheme.Scheme.New(kind)
	fail(err)
	fill := filler(seed)
	fill.Fill(object)
	object.GetObjectKind().SetGroupVersionKind(kind)
	var encoded bytes.Buffer
	fail(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(object, &encoded))
	document, err := json.Marshal(object)
	if err != nil {
		fail(fmt.Errorf("%v: %w", kind, err))
	}
	return sample{Protobuf: encoded.Bytes(), Document: document}
}
