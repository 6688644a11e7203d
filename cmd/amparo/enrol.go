package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
	"github.com/amparo-project/amparo/internal/client"
)

func (a *app) enrolCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "enrol [INVITATION|-]",
		Short: "Enrol this device with an invitation",
		Long: `Makes the keys of this device, registers them with the service that the
invitation names, and keeps them in a profile of its own. The keys never leave
the machine. An invitation is good for one device and one day.

Where your role has access to cases, a code is shown: read it to a colleague who
may confirm you, in person or by a line that is not this service's.`,
		Example: `  amparo enrol --profile hotline
  amparo enrol --profile hotline - < invitation.txt`,
		Args: cobra.MaximumNArgs(1),
	}
	c.RunE = a.do(func(ctx context.Context, arguments []string) error {
		given := ""
		if len(arguments) > 0 {
			given = arguments[0]
		}
		return a.enrol(ctx, given)
	})
	return c
}

func (a *app) enrol(ctx context.Context, given string) error {
	home, err := a.homeFolder()
	if err != nil {
		return err
	}
	invitation, err := a.secretText(ctx, given, "invitation")
	if err != nil {
		return err
	}
	name := a.profile
	if name == "" {
		name = environment("AMPARO_PROFILE", "default")
	}
	enrolled, err := client.Enrol(ctx, client.Enrolment{
		Home: home, Name: name, Invitation: invitation, Now: a.now, Version: version(),
	})
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.enrolledJSON(enrolled)
	}
	p := a.newPage()
	staff := enrolled.Answer.GetStaff()
	p.line("enrolled as " + words(staff.GetRoles()))
	p.staff(staff)
	p.entry("profile", name)
	p.entry("device", enrolled.Answer.GetDevice().GetId())
	if enrolled.ConfirmationCode != "" {
		p.line()
		p.entry("code", enrolled.ConfirmationCode)
		p.line("Read the code and your id to a colleague who may confirm you. Until then no case opens.")
	}
	return a.write(p.bytes())
}

// enrolledJSON is the answer with one field more, which the service does not know:
// the code is computed here, from the keys that are here.
func (a *app) enrolledJSON(enrolled *client.Enrolled) error {
	raw, err := jsonLine(enrolled.Answer)
	if err != nil {
		return err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if enrolled.ConfirmationCode != "" {
		fields["confirmationCode"] = json.RawMessage(`"` + enrolled.ConfirmationCode + `"`)
	}
	if raw, err = json.Marshal(fields); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return a.write(append(raw, '\n'))
}

func (a *app) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "whoami",
		Short:   "Show who the service takes this device for",
		Example: "  amparo whoami",
		Args:    noSuchCommand,
		RunE: a.do(func(ctx context.Context, _ []string) error {
			profile, conn, err := a.connect()
			if err != nil {
				return err
			}
			defer conn.Close() //nolint:errcheck // nothing is left to lose
			answer, err := conn.Staff.WhoAmI(ctx, &amparov1.WhoAmIRequest{})
			if err != nil {
				return err
			}
			if err := conn.LearnRecipient(ctx); err != nil {
				return err
			}
			code := ""
			if answer.GetDevice().GetStanding() == amparov1.DeviceStanding_DEVICE_STANDING_PENDING {
				if code, err = profile.ConfirmationCode(); err != nil {
					return err
				}
			}
			return a.show(answer, func(p *page) {
				p.staff(answer.GetStaff())
				p.entry("device", answer.GetDevice().GetId()+", "+word(answer.GetDevice().GetStanding()))
				p.entry("code", code)
				p.entry("profile", profile.Name)
				p.entry("service", profile.Address+", version "+answer.GetServiceVersion())
			})
		}),
	}
}

func (a *app) protosetCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "protoset",
		Short: "Write the service's descriptors for other clients",
		Long: `Writes a FileDescriptorSet of the calls that this client knows, with all that
they import: what grpcurl and ghz take as -protoset. The service itself tells
nobody its calls.`,
		Example: `  amparo protoset --to amparo.protoset
  grpcurl -protoset amparo.protoset list`,
		Args: noSuchCommand,
	}
	to := c.Flags().String("to", "", "file to write")
	c.RunE = a.do(func(context.Context, []string) error {
		if *to == "" {
			return usage("--to FILE is needed")
		}
		set := &descriptorpb.FileDescriptorSet{}
		seen := map[string]bool{}
		protoregistry.GlobalFiles.RangeFilesByPackage(amparov1.File_amparo_v1_case_proto.Package(), func(file protoreflect.FileDescriptor) bool {
			addFile(set, seen, file)
			return true
		})
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
		if err != nil {
			return fmt.Errorf("write descriptors: %w", err)
		}
		return client.WriteFile(*to, raw)
	})
	return c
}

// addFile adds a file after those that it imports, each once.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	for i := range file.Imports().Len() {
		addFile(set, seen, file.Imports().Get(i))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
