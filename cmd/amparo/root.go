package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/amparo-project/amparo/internal/client"
)

// The exit codes that the command itself decides on; client.Explain knows the
// others.
const (
	exitLocal        = 1
	exitUsage        = 2
	exitNotFound     = 4
	exitRule         = 5
	exitVerification = 7
)

// app is one run of the command.
type app struct {
	*terminal
	now     func() time.Time
	zone    *time.Location
	home    string // folder of the profiles, where it is not the usual one
	started bool   // a command's own code runs: what fails now is no usage error

	watches  bool            // it may run for days
	logFault *client.Failure // the service's log is not the one that was seen
	unseen   time.Time       // since when it has not been shown, where that is too long

	profile   string
	output    string
	requestID string
	patience  time.Duration
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, t *terminal, arguments []string) int {
	a := &app{terminal: t, now: time.Now, zone: time.Local}
	return a.execute(ctx, arguments)
}

func (a *app) execute(ctx context.Context, arguments []string) int {
	root := a.root()
	root.SetArgs(arguments)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	command, err := root.ExecuteContextC(ctx)
	exit := a.ended(command, err)
	// Last, so that it stands above the prompt and not above what was asked for.
	if !a.unseen.IsZero() && !a.watches {
		a.tell("%s: %s\n", command.CommandPath(), a.unseenText())
	}
	if a.logFault == nil {
		return exit
	}
	a.tell("%s: %s\n", command.CommandPath(), a.logFault.Error())
	if exit == 0 {
		exit = a.logFault.Exit
	}
	return exit
}

// ended tells how a command ended, and returns its exit code.
func (a *app) ended(command *cobra.Command, err error) int {
	if err == nil {
		return 0
	}
	known := &client.Failure{}
	if !a.started && !errors.As(err, &known) {
		err = &client.Failure{
			Exit: exitUsage, Reason: "USAGE", Text: err.Error(),
		}
	}
	failure := client.Explain(err)
	if failure.Reason == "USAGE" && failure.Next == "" {
		failure.Next = command.CommandPath() + " --help"
	}
	a.tell("%s: %s\n", command.CommandPath(), failure.Error())
	return failure.Exit
}

// noteLogFault is told beside the command's work, and never after its connection is
// closed.
func (a *app) noteLogFault(failure *client.Failure) {
	a.logFault = failure
	if a.watches {
		a.tell("%s\n", failure.Error())
	}
}

// noteUnseen is told as noteLogFault is. It is no failure of the command: a service may
// have its reasons for a while.
func (a *app) noteUnseen(since time.Time) {
	a.unseen = since
	if a.watches {
		a.tell("%s\n", a.unseenText())
	}
}

func (a *app) unseenText() string {
	return (&client.Failure{
		Reason: "LOG_UNSEEN", Text: "WARNING: the service answers, and has shown this device no checkpoint of its audit log since " +
			a.unseen.In(a.zone).Format("Mon 2 Jan 2006 15:04"),
		Next: "ask colleagues whether their devices say so too, and tell the auditor by another way",
	}).Error()
}

// usage is a mistake in how the command was called.
func usage(format string, values ...any) error {
	return &client.Failure{Exit: exitUsage, Reason: "USAGE", Text: fmt.Sprintf(format, values...)}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "amparo",
		Short: "Work on the case files of defenders at risk",
		Long: `amparo is the client of the Amparo service: it takes requests for help, shows
the queue, and works cases from the first call to the closed file.

Begin with "amparo enrol" and the invitation that you were given. What is about
a person never stands on the command line: amparo asks for it, or reads it from
a file or from stdin.`,
		Example: `  amparo enrol --profile hotline
  amparo intake
  amparo queue --at-least high`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetVersionTemplate("amparo {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	flags := root.PersistentFlags()
	flags.StringVar(&a.profile, "profile", "", "profile to use (default $AMPARO_PROFILE, or the only one)")
	flags.StringVarP(&a.output, "output", "o", "text", "text, or json: the answer's message, one document a line")
	flags.StringVar(&a.requestID, "request-id", "", "id of a writing request, to repeat one whose outcome is not known")
	flags.DurationVar(&a.patience, "patience", 10*time.Second, "how long to go on trying while the service does not answer")
	a.offer(root, "output", fixed("text", "json"))
	a.offer(root, "profile", profileNames)
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return a.checkFlags() }
	root.AddCommand(
		a.enrolCommand(), a.staffCommand(), a.whoamiCommand(), a.protosetCommand(),
		a.intakeCommand(), a.outboxCommand(), a.capsuleCommand(), a.queueCommand(), a.searchCommand(), a.caseCommand(), a.interpreterCommand(), a.riskCommand(), a.handoverCommand(),
		a.policyCommand(), a.textsCommand(),
		a.consentCommand(), a.harmCommand(), a.discloseCommand(), a.breachCommand(),
		a.auditCommand(), a.demoCommand(), a.deadlineCommand(), a.clockCommand(), a.oncallCommand(),
	)
	return root
}

func (a *app) checkFlags() error {
	if a.output != "text" && a.output != "json" {
		return usage("--output must be text or json")
	}
	if a.patience <= 0 {
		a.patience = -1
	}
	return nil
}

// flagError names the flag and leaves out the value.
func flagError(err error) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return usage("the value of --%s cannot be read", invalid.GetFlag().Name)
	}
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && unknown.GetSpecifiedShortnames() != "" {
		if strings.Trim(unknown.GetSpecifiedShortnames(), "0123456789") == "" {
			return usage("a number here is never below 0")
		}
		return usage("there is no such short flag")
	}
	return usage("%s", err.Error())
}

// do wraps what a command does, so that its errors are told from cobra's own.
func (a *app) do(body func(ctx context.Context, arguments []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, arguments []string) error {
		a.started = true
		return body(c.Context(), arguments)
	}
}

// group is a command that only holds others.
func group(name, short, example string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: short, Example: example,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			return usage("name one of its commands: %s", commandNames(c))
		},
	}
	c.AddCommand(commands...)
	return c
}

// noSuchCommand takes no argument, and does not repeat what it was given: that may
// be a name that slipped out of its place.
func noSuchCommand(c *cobra.Command, arguments []string) error {
	switch {
	case len(arguments) == 0:
		return nil
	case !c.HasSubCommands():
		return errors.New("it takes no argument")
	}
	text := "there is no such command"
	if near := c.SuggestionsFor(arguments[0]); len(near) > 0 {
		text += ", did you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

// asUsed takes the arguments that the command's own line of use names, no more and no
// fewer, and says which of them is missing.
func asUsed(c *cobra.Command, arguments []string) error {
	var names []string
	endless := false // the last may be given again and again
	for _, word := range strings.Fields(c.Use)[1:] {
		if strings.HasPrefix(word, "-") {
			break
		}
		name, again := strings.CutSuffix(word, "...")
		names, endless = append(names, name), again
	}
	switch missing := len(names) - len(arguments); {
	case missing == 1:
		return fmt.Errorf("%s is missing", names[len(arguments)])
	case missing > 1:
		return fmt.Errorf("%s are missing", strings.Join(names[len(arguments):], " and "))
	case missing < 0 && !endless:
		return fmt.Errorf("it takes no more than %s", strings.Join(names, " and "))
	}
	return nil
}

func commandNames(c *cobra.Command) string {
	var names []string
	for _, child := range c.Commands() {
		if child.IsAvailableCommand() {
			names = append(names, child.Name())
		}
	}
	return strings.Join(names, ", ")
}

// offer completes the values of a flag in the shell.
func (a *app) offer(c *cobra.Command, flag string, values cobra.CompletionFunc) {
	// An error means that there is no such flag; the test that completes every
	// offered flag would show it.
	_ = c.RegisterFlagCompletionFunc(flag, values)
}

func fixed(values ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

func profileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	home, err := client.Home()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := client.ProfileNames(home)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// release is set by the linker for a release.
var release string

func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unreleased"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && len(setting.Value) >= 12 {
			return "unreleased-" + setting.Value[:12]
		}
	}
	return "unreleased"
}

// environment returns a variable, or other where it is empty.
func environment(name, other string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return other
}
