// Package signature says who may ask a station for what from afar: unsigned
// requests only for what cannot hurt, signed ones for what the signer's key is
// listed for.
//
// A signed request is a compact JWS (RFC 7515) with an Ed25519 signature (RFC
// 8037). Its payload is the request itself, with one member more: aud names the
// station, so that the request is of no use at another one. That it is of no use
// a second time at the same one is the work of whoever admits it, by its id and
// its not_after.
//
// The package reads no file and admits nothing.
package signature
