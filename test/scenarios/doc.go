// Package scenarios holds the wire behaviour of the API as text: each folder is
// a story of numbered steps, and a golden file for each api-version says how the
// service answers, headers included. A change of the wire shows in review as a
// change of a golden file.
//
//	go test ./test/scenarios            compares
//	go test ./test/scenarios -update    rewrites the golden files
//
// A step is a JSON file with
//
//	method, path   the request; {cluster}, {group}, {subscription} and {location} stand for themselves
//	headers        beside the usual ones
//	create         a merge patch on a valid create body of the version; sent as body
//	body           sent as it is
//	finish         instead of a request: the running operation ends in this state
//	versions       the versions in which the step is taken; absent means all
//
// The server runs in this process on a SQLite file, with a clock that stands
// still and ids that count up.
package scenarios
