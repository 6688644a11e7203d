package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/amparo-project/amparo/internal/client"
)

// homeFolder is the folder of the profiles.
func (a *app) homeFolder() (string, error) {
	if a.home != "" {
		return a.home, nil
	}
	return client.Home()
}

// openProfile opens the profile that the flags or the environment name, or the
// only one there is.
func (a *app) openProfile() (*client.Profile, error) {
	home, err := a.homeFolder()
	if err != nil {
		return nil, err
	}
	name := a.profile
	if name == "" {
		name = environment("AMPARO_PROFILE", "")
	}
	if name != "" {
		return client.OpenProfile(home, name)
	}
	names, err := client.ProfileNames(home)
	if err != nil {
		return nil, err
	}
	switch len(names) {
	case 0:
		return nil, &client.Failure{
			Exit: exitUsage, Reason: "PROFILE_UNKNOWN", Text: "this machine is not enrolled", Next: "amparo enrol, with your invitation",
		}
	case 1:
		return client.OpenProfile(home, names[0])
	default:
		return nil, &client.Failure{
			Exit: exitUsage, Reason: "PROFILE_UNKNOWN", Text: "there are several profiles on this machine",
			Next: "name one with --profile or AMPARO_PROFILE",
		}
	}
}

// connect opens the profile and its line to the service.
func (a *app) connect() (*client.Profile, *client.Conn, error) {
	p, err := a.openProfile()
	if err != nil {
		return nil, nil, err
	}
	conn, err := a.dial(p)
	return p, conn, err
}

func (a *app) dial(p *client.Profile) (*client.Conn, error) {
	said := false
	return client.Dial(p, client.Options{
		Patience: a.patience, Version: version(), OnSent: a.tellSent, OnLogFault: a.noteLogFault, OnLogUnseen: a.noteUnseen, Now: a.now,
		OnRetry: func() {
			if a.inIsPerson && !said {
				a.tell("%s\n", "the service does not answer yet; trying again")
			}
			said = true
		},
	})
}

// fileFlag adds --file to a command and returns where its value will stand.
func fileFlag(c *cobra.Command, message string) *string {
	file := c.Flags().StringP("file", "f", "", message+" as YAML or JSON; - is stdin")
	return file
}

// readFile reads a request message from the file that --file names.
func (a *app) readFile(file string, into proto.Message) error {
	if file == "" {
		return &client.Failure{
			Exit: exitUsage, Reason: "USAGE", Text: "--file is needed",
			Next: "write the request as YAML into a file, or give it on stdin with --file -",
		}
	}
	raw, err := a.readRaw(file)
	if err != nil {
		return err
	}
	return client.Decode(raw, into)
}

// readRaw reads a file, or stdin for "-", up to what a message may have and a byte
// more.
func (a *app) readRaw(file string) (raw []byte, err error) {
	if file == "-" {
		raw, err = io.ReadAll(io.LimitReader(a.in, client.MaxMessage+1))
	} else {
		raw, err = readUpTo(file, client.MaxMessage+1)
	}
	if err != nil {
		return nil, &client.Failure{Exit: exitUsage, Reason: "FILE_UNREADABLE", Text: "the file cannot be read", Next: "check its name and its mode"}
	}
	return raw, nil
}

func readUpTo(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	defer file.Close() //nolint:errcheck // it is only read
	raw, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return raw, nil
}

// place puts what the command line says into a request: an id, and --request-id.
// What the file says already must agree.
func (a *app) place(request proto.Message, field protoreflect.Name, id string) error {
	if err := placeOne(request, field, id); err != nil {
		return err
	}
	return a.placeRequestID(request)
}

func (a *app) placeRequestID(request proto.Message) error {
	if a.requestID == "" {
		return nil
	}
	return placeOne(request, "request_id", a.requestID)
}

func placeOne(request proto.Message, name protoreflect.Name, value string) error {
	message := request.ProtoReflect()
	field := message.Descriptor().Fields().ByName(name)
	if field == nil || field.Kind() != protoreflect.StringKind {
		return usage("this request has no %s", name)
	}
	if there := message.Get(field).String(); there != "" && there != value {
		return usage("the file's %s is not the one on the command line", name)
	}
	message.Set(field, protoreflect.ValueOfString(value))
	return nil
}

// enumFlag reads one value of an enum from a flag.
func enumFlag[E interface {
	~int32
	protoreflect.Enum
}](flag, text string,
) (E, error) {
	var zero E
	number, ok := client.ParseEnum(zero.Descriptor(), text)
	if !ok || number == 0 {
		return 0, usage("--%s must be one of %s", flag, listed(client.EnumWords(zero.Descriptor())))
	}
	return E(number), nil
}

// enumFlags reads several.
func enumFlags[E interface {
	~int32
	protoreflect.Enum
}](flag string, texts []string,
) ([]E, error) {
	var values []E
	for _, text := range texts {
		value, err := enumFlag[E](flag, text)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	return values, nil
}

// show writes an answer to stdout, as JSON or as the text that draw makes of it.
func (a *app) show(answer proto.Message, draw func(p *page)) error {
	if a.output == "json" {
		raw, err := jsonLine(answer)
		if err != nil {
			return err
		}
		return a.write(raw)
	}
	p := a.newPage()
	draw(p)
	return a.write(p.bytes())
}

func (a *app) write(raw []byte) error {
	if _, err := a.out.Write(raw); err != nil {
		return fmt.Errorf("write to stdout: %w", err)
	}
	return nil
}

// jsonLine is the protojson of a message on one line. protojson varies its spaces
// from build to build on purpose; scripts are better off without.
func jsonLine(message proto.Message) ([]byte, error) {
	raw, err := protojson.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("write answer: %w", err)
	}
	return compact(raw)
}
