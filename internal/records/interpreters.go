package records

import (
	amparov1 "github.com/amparo-project/amparo/api/amparo/v1"
)

// Interpreters opens the file of the interpreters: under the act's own grant where the
// act is about the list, and otherwise for the service, to look something up for a
// case. Only an act about the list may change it.
func (w *Work) Interpreters() (*File, error) {
	if _, err := w.grant.PermitDirectory(); err != nil {
		return w.openSingle(kindInterpreters, amparov1.LeafAction_LEAF_ACTION_INTERPRETER_CHECK)
	}
	return w.Open(Target{ID: w.records.Directory().singles[kindInterpreters]})
}

// Interpreter reads an entry of the list; nil when there is none.
func (f *File) Interpreter(id string) (*amparov1.Interpreter, error) {
	one := &amparov1.Interpreter{}
	found, err := f.Get(recordInterpreter, id, one)
	if !found || err != nil {
		return nil, err
	}
	return one, nil
}

// InterpreterList reads the whole list, in no order.
func (f *File) InterpreterList() ([]*amparov1.Interpreter, error) {
	var list []*amparov1.Interpreter
	for _, id := range f.Children(recordInterpreter) {
		one, err := f.Interpreter(id)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// SetInterpreter puts an entry on the list, or in place of the one before.
func (f *File) SetInterpreter(one *amparov1.Interpreter) { f.Put(recordInterpreter, one.GetId(), one) }
