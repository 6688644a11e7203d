package staffing

// Calls are the calls that the table of gates names.
func Calls() []string {
	var calls []string
	for _, g := range gates {
		for _, call := range []string{g.asks, g.answer} {
			if call != "" {
				calls = append(calls, service+call)
			}
		}
	}
	return calls
}
