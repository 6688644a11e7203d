package texts

// There will be texts of several versions; until then their order is tested by itself.
var (
	Sort   = order
	FindIn = find
)
