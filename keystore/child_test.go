package keystore_test

const childEnv = "KEYSTORE_TEST_CHILD"

var children = map[string]func(folder string){}
