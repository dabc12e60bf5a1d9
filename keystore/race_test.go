//go:build race

package keystore_test

// checked says that the checks of the race detector are in. They end the
// process when bbolt follows a damaged table out of a page, which otherwise
// gives an error or a wrong value.
const checked = true
