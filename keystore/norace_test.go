//go:build !race

package keystore_test

const checked = false
