package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// What has a form of its own in JSON; the decoder knows each by this name.
var special = map[string]string{
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   "Quantity",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       "Time",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  "MicroTime",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":   "Duration",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":   "Raw",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":    "Raw",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": "IntOrString",
}

type message struct {
	name  string
	lines []string
}

type table struct {
	files map[string][]message
	seen  map[reflect.Type]bool
}

// writeFields writes one file for each package: its messages, and for each field its number, its name in JSON and its
// type, marked with what the zero value means.
func writeFields(folder string) {
	found := table{files: map[string][]message{}, seen: map[reflect.Type]bool{}}
	versions := map[string]string{}
	for _, version := range served {
		for _, kind := range kindsOf(version) {
			goType := scheme.Scheme.AllKnownTypes()[kind]
			found.add(goType)
			versions[file(goType)] = version.String()
		}
	}
	found.add(reflect.TypeOf(metav1.DeleteOptions{}))
	versions["meta.v1"] = "meta.k8s.io/v1"
	for name, messages := range found.files {
		sort.Slice(messages, func(i, j int) bool { return messages[i].name < messages[j].name })
		text := "apiVersion " + cmp.Or(versions[name], "none") + "\n"
		for _, each := range messages {
			text += "\n" + each.name + "\n" + strings.Join(each.lines, "")
		}
		fail(os.WriteFile(filepath.Join(folder, name+".txt"), []byte(text), 0o644))
	}
}

func file(goType reflect.Type) string {
	parts := strings.Split(goType.PkgPath(), "/")
	return strings.Join(parts[len(parts)-2:], ".")
}

func (t *table) add(goType reflect.Type) {
	if t.seen[goType] {
		return
	}
	t.seen[goType] = true
	each := message{name: goType.Name()}
	var fields []reflect.StructField
	for place := range goType.NumField() {
		if goType.Field(place).Tag.Get("protobuf") != "" {
			fields = append(fields, goType.Field(place))
		}
	}
	sort.SliceStable(fields, func(i, j int) bool { return number(fields[i]) < number(fields[j]) })
	for _, field := range fields {
		each.lines = append(each.lines, t.line(field))
	}
	t.files[file(goType)] = append(t.files[file(goType)], each)
}

func number(field reflect.StructField) int {
	var found int
	_, err := fmt.Sscanf(strings.Split(field.Tag.Get("protobuf"), ",")[1], "%d", &found)
	fail(err)
	return found
}

// line says "2 image string". After the type: * a zero value is sent on purpose, ! a zero value is written, too,
// ? an empty object is left out.
func (t *table) line(field reflect.StructField) string {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		name = "+" // its fields stand among those of the object around it
	}
	mark := ""
	switch {
	case field.Type.Kind() == reflect.Pointer:
		mark = "*"
	case strings.Contains(options, "omitzero"):
		mark = "?"
	case name != "+" && !strings.Contains(options, "omitempty"):
		mark = "!"
	}
	return fmt.Sprintf("  %d %s %s%s\n", number(field), name, t.typeOf(field.Type), mark)
}

func (t *table) typeOf(goType reflect.Type) string {
	name := goType.PkgPath() + "." + goType.Name()
	if known, ok := special[name]; ok {
		return known
	}
	switch goType.Kind() {
	case reflect.Pointer:
		return t.typeOf(goType.Elem())
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float64:
		return "double"
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + t.typeOf(goType.Elem())
	case reflect.Map:
		value := t.typeOf(goType.Elem())
		if strings.HasPrefix(value, "[]") {
			value = "Items" // a list inside a map is a message with one field
		}
		return "{}" + value
	case reflect.Struct:
		t.add(goType)
		return file(goType) + "." + goType.Name()
	}
	fail(fmt.Errorf("no such type: %v", goType))
	return ""
}
