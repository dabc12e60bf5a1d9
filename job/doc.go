// Package job is the model that every part of a station speaks: what can be
// asked (Request), what became of it (Job), how sure the answer is (Verdict
// and Proof), why it failed (Fault), and what one transaction of the journal
// holds (Entry).
//
// It does no I/O and knows no board, bus, file or broker. The JSON form of
// its types is the same on the local socket, on the command line and over
// MQTT.
package job
